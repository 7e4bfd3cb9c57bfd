import { timingSafeEqual } from 'node:crypto';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { asPeerId, type Clock, type PeerId } from '../../base/index.ts';
import { KNOCK_WINDOW_MS } from './constants.ts';
import { zoneErrors } from './errors.ts';
import { ANSWER_BYTES, knockBytes, newKnock, openKnock, type Knock, type OpenedKnock } from './knock.ts';
import type { SeenKnocks } from './seen-knocks.ts';
import type { ZoneKey } from './zone-key.ts';

export interface DoorkeeperInit {
  readonly privateKey: Ed25519PrivateKey;
  /** Undefined in a zone that is an allow-list. */
  readonly key: ZoneKey | undefined;
  readonly house: ZoneKey | undefined;
  /** Who answers for us, where the lists of others have its name and not ours. */
  readonly sponsor: Ed25519PrivateKey | undefined;
  /** Who is on the allow-list, or anybody where there is none. */
  readonly isListed: (peer: PeerId) => boolean;
  /** Who knocked here as a guest of somebody listed, and is still here. */
  readonly isGuest: (peer: PeerId) => boolean;
  /** Throws for a peer that may not come in, whatever it knows. */
  readonly check: (peer: PeerId) => void;
  readonly seen: SeenKnocks;
  readonly clock: Clock;
}

/** A way to the other side before anything is agreed. */
export interface Way {
  send(bytes: Uint8Array): void;
  take(count: number): Promise<Uint8Array>;
  /** As many as those that came say. */
  takeKnock(wanted: (soFar: Buffer) => number): Promise<Uint8Array>;
}

/**
 * Lets members of a private zone in. The dialler speaks first and proves that it is one; a listener says nothing before that,
 * and then proves it too. Nothing is put around what follows: bytes are as fast as without.
 */
export class Doorkeeper {
  readonly #init: DoorkeeperInit;
  readonly #self: PeerId;

  constructor(init: DoorkeeperInit) {
    this.#init = init;
    this.#self = asPeerId(init.privateKey.publicKey.toString());
  }

  /** Who knocks; the handshake has to end with the same peer. Throws ZONE_STRANGER, ZONE_KNOCK_REPLAYED, ZONE_CLOCK_APART, ZONE_NOT_ALLOWED, ZONE_HANDSHAKE_FAILED, and what `check` throws. */
  async answer(way: Way): Promise<OpenedKnock> {
    const { key } = this.#init;
    const knock = await this.open(await way.takeKnock((soFar) => knockBytes(soFar, { key, listener: this.#self })));
    way.send(knock.answer);
    return knock;
  }

  /** As `answer`, without giving it. */
  async open(bytes: Uint8Array): Promise<OpenedKnock> {
    const { key, house, isListed, check, seen } = this.#init;
    const ofHouse = house === undefined ? undefined : await openKnock(bytes, { key: house, listener: this.#self });
    const knock = ofHouse ?? (await openKnock(bytes, { key, listener: this.#self }));
    if (knock === undefined) throw zoneErrors.stranger({});
    this.#checkTime(knock);
    if (ofHouse === undefined && !isListed(knock.by)) throw zoneErrors.notAllowed({ peer: knock.by });
    check(knock.by);
    check(knock.peer);
    // Last, so that nobody who may not come in has us remember anything.
    if (!(await seen.take(knock))) throw zoneErrors.knockReplayed({});
    return knock;
  }

  /** What to say to a listener. */
  newKnock(listener: PeerId): Promise<Knock> {
    const { privateKey, key, house, sponsor, isListed, isGuest, clock } = this.#init;
    // Of those that no list has, only the processes of this home are met, by their house's key, and guests that are here.
    if (house !== undefined && !isListed(listener) && !isGuest(listener)) return newKnock({ privateKey, key: house, listener }, clock.now());
    return newKnock({ privateKey, key, listener, sponsor }, clock.now());
  }

  /** Throws ZONE_SILENT_PEER when nobody of our zone answers. */
  async knock(way: Way, listener: PeerId): Promise<void> {
    const knock = await this.newKnock(listener);
    way.send(knock.bytes);
    const answer = await way.take(ANSWER_BYTES).catch((cause: unknown) => { throw zoneErrors.silentPeer({ address: listener }, cause); });
    if (!timingSafeEqual(answer, knock.answer)) throw zoneErrors.silentPeer({ address: listener });
  }

  #checkTime({ peer, timeMs }: OpenedKnock): void {
    const apartMs = Math.abs(this.#init.clock.now() - timeMs);
    if (apartMs > KNOCK_WINDOW_MS) throw zoneErrors.clockApart({ peer, apartMs });
  }
}
