import { CONTRIBUTE_LIMITS, type Contribution } from '../../../src-preload/bridge/index.ts';
import type { PeerId } from '../../base/index.ts';
import type { ServedSession } from '../../pipeline/index.ts';
import { fixedFacts } from '../capability/read-machine.ts';
import { joined } from '../capability/layer-sets.ts';
import type { HostConfig } from '../config.ts';
import type { HeldShard } from '../types.ts';
import { sumUnits } from '../paid/sum-units.ts';
import type { Ledger } from './ledger.ts';
import { limitsOf } from './limits.ts';
import type { Known } from './machine-watch.ts';
import type { Decision } from './policy.ts';
import type { LastServed } from './served-sessions.ts';

/** A range that was loaded for others. */
export interface LoadedRange {
  readonly modelHash: string;
  readonly layers: { readonly first: number; readonly last: number };
  readonly weightBytes: number;
}

export interface ViewInput {
  readonly config: HostConfig;
  readonly decision: Decision;
  /** Of others. */
  readonly sessions: readonly ServedSession[];
  readonly last: LastServed | undefined;
  readonly loaded: readonly LoadedRange[];
  readonly held: readonly HeldShard[];
  readonly nameOf: (peer: PeerId) => string | undefined;
  readonly ledger: Pick<Ledger, 'total' | 'sinceStart'>;
  readonly known: Known;
}

/** What the owner is shown of it. */
export function contributionView({ config, decision, sessions, last, loaded, held, nameOf, ledger, known }: ViewInput): Contribution {
  const model = (hash: string): string => held.find(({ modelHash }) => modelHash === hash)?.modelName ?? hash.slice(0, 12);
  const who = (peerId: PeerId): { readonly peerId: string; readonly name?: string } => {
    const name = nameOf(peerId);
    return { peerId, ...(name === undefined ? {} : { name }) };
  };
  const { ramTotalBytes, cores = 1 } = fixedFacts();
  return {
    isOn: config.contribute, ...(decision.kind === 'hold' ? { hold: { reason: decision.reason, ...(decision.until === undefined ? {} : { until: decision.until }) } } : {}),
    serving: sessions.slice(0, CONTRIBUTE_LIMITS.shown).map(({ session, coordinator, modelHash, layers, openedAt, rows }) => (
      { session, ...who(coordinator), model: model(modelHash), layers: [layers.first, layers.last], since: openedAt, tokens: rows })),
    ...(last === undefined ? {} : { lastServed: { ...who(last.coordinator), model: model(last.modelHash), layers: [last.layers.first, last.layers.last], at: last.endedAt } }),
    sessions: sessions.length,
    loaded: loaded.slice(0, CONTRIBUTE_LIMITS.shown).map(({ modelHash, layers, weightBytes }) => ({ model: model(modelHash), layers: [layers.first, layers.last], bytes: weightBytes })),
    offers: [...Map.groupBy(held, ({ modelHash }) => modelHash).values()].slice(0, CONTRIBUTE_LIMITS.shown).map((shards) => ({
      model: shards[0]?.modelName ?? '', totalLayers: shards[0]?.totalLayers ?? 0, layers: joined(shards),
    })),
    total: ledger.total, sinceStart: ledger.sinceStart, limits: limitsOf(config),
    machine: { ...(ramTotalBytes === undefined ? {} : { ramTotalBytes }), cores, knows: known }, reach: reachOf(config),
    ...(config.payPrice === undefined || config.zone === 'private' ? {} : { priceUnits: `${sumUnits(config.payPrice)}` }),
  };
}

/** By where it listens, and whom its zone lets in. */
function reachOf({ listen, zone }: HostConfig): Contribution['reach'] {
  const isLoopback = listen.every((address) => /^\/ip4\/127\.|^\/ip6\/::1\//.test(address));
  return isLoopback ? 'machine' : zone;
}
