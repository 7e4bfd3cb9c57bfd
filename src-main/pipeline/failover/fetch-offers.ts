import type { CodedError, LayerRange } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { PeerOffer } from '../placement/assign.ts';
import { cheapestSupply } from '../placement/supply.ts';
import type { FetchAbility, LayerSupply } from '../ports.ts';

interface Way {
  readonly offer: PeerOffer;
  readonly ability: FetchAbility;
  /** To be fetched. */
  readonly bytes: number;
  /** The range as it is loaded. */
  readonly rangeBytes: number;
}

/**
 * Offers as they would be after a fetch: whoever has room for what it lacks of the range has it whole, those who are
 * done soonest in front.
 */
export function fetchOffers(offers: readonly PeerOffer[], range: LayerRange, supplies: readonly LayerSupply[]): PeerOffer[] {
  const ways = waysTo(offers, range, supplies).filter(({ offer, ability, bytes, rangeBytes }) => bytes <= ability.freeBytes && rangeBytes <= (offer.node?.freeBytes ?? 0));
  const sooner = ways.toSorted((a, b) => a.bytes / a.ability.bytesPerSecond - b.bytes / b.ability.bytesPerSecond);
  return [...sooner.map(({ offer, rangeBytes }) => ({ ...offer, shards: [...offer.shards, { layers: range, sizeBytes: rangeBytes }] })), ...offers];
}

/** That peers would fetch the range and have no room for it on disk; undefined where that is not what is missing. */
export function noRoom(offers: readonly PeerOffer[], range: LayerRange, supplies: readonly LayerSupply[]): CodedError | undefined {
  const [roomiest] = waysTo(offers, range, supplies).filter(({ ability, bytes }) => bytes > ability.freeBytes).toSorted((a, b) => b.ability.freeBytes - a.ability.freeBytes);
  return roomiest === undefined ? undefined : pipelineErrors.noRoomToFetch({ ...range, peer: roomiest.offer.peer, needBytes: roomiest.bytes, freeBytes: roomiest.ability.freeBytes });
}

/** A peer that is asked only for what it holds. */
export function withoutFetch<T extends PeerOffer>(offer: T): T {
  if (offer.node === undefined) return offer;
  const { fetch: _fetch, ...node } = offer.node;
  return { ...offer, node };
}

function waysTo(offers: readonly PeerOffer[], range: LayerRange, supplies: readonly LayerSupply[]): Way[] {
  return offers.flatMap((offer) => {
    const ability = offer.node?.fetch;
    const way = ability === undefined ? undefined : cheapestSupply(offer.shards, supplies, range);
    const whole = way === undefined ? undefined : cheapestSupply([], [way.supply], range);
    return ability === undefined || way === undefined ? [] : [{ offer, ability, bytes: way.bytes, rangeBytes: whole?.bytes ?? way.bytes }];
  });
}
