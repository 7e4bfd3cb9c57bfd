import type { Blocked, Known, Member, Peer, Stage } from '../../src-preload/bridge/index.ts';
import { formatRange } from './format.ts';
import type { PeerEntry } from './peers.ts';

/** What this node itself saw of another; nothing where it saw nothing. */
export type Reputation =
  | { readonly kind: 'blocked' }
  | { readonly kind: 'faulty'; readonly faults: number }
  /** Topics: the score is below 0. */
  | { readonly kind: 'unheard' }
  | { readonly kind: 'missed'; readonly failures: number }
  | { readonly kind: 'good' };

export function reputationOf(known: Known | undefined, ban: Blocked | undefined): Reputation | undefined {
  if (ban !== undefined) return { kind: 'blocked' };
  if (known === undefined) return undefined;
  const faults = Math.ceil(known.faults ?? 0);
  if (faults > 0) return { kind: 'faulty', faults };
  if (known.topicScore !== undefined && known.topicScore < 0) return { kind: 'unheard' };
  if (!known.isConnected && (known.failures ?? 0) > 0) return { kind: 'missed', failures: known.failures ?? 0 };
  return known.isConnected ? { kind: 'good' } : undefined;
}

const WORTH: Readonly<Record<Reputation['kind'], number>> = { blocked: 0, faulty: 1, unheard: 2, missed: 3, good: 4 };

/** How a node is connected, short: what carries it. */
export type Carrier = 'TCP' | 'QUIC' | 'WebRTC' | 'WebSocket' | 'relay' | 'other';
export function carrierOf({ transport, route }: { readonly transport: string; readonly route: 'direct' | 'relayed' }): Carrier {
  if (route === 'relayed') return 'relay';
  const name = transport.toLowerCase();
  if (name.includes('webrtc')) return 'WebRTC';
  if (name.includes('quic')) return 'QUIC';
  if (name.includes('ws') || name.includes('websocket')) return 'WebSocket';
  return name.includes('tcp') ? 'TCP' : 'other';
}

/** One line of the table, as figures: what is not known is absent. */
export interface PeerRow {
  readonly peerId: string;
  readonly name?: string | undefined;
  readonly carrier?: Carrier | undefined;
  readonly isRelayed?: boolean | undefined;
  readonly why?: string | undefined;
  readonly rttMs?: number | undefined;
  readonly jitterMs?: number | undefined;
  /** Share of datagrams, 0 to 1. */
  readonly loss?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
  /** At least as much, perhaps more. */
  readonly isAtLeast?: boolean | undefined;
  readonly ramTotalBytes?: number | undefined;
  readonly ramFreeBytes?: number | undefined;
  readonly gpus?: string | undefined;
  readonly gpuBytes?: number | undefined;
  readonly layers?: string | undefined;
  readonly layerCount?: number | undefined;
  readonly isStage: boolean;
  readonly tokensPerSecond?: number | undefined;
  readonly zone?: string | undefined;
  readonly reputation?: Reputation | undefined;
  /** Unix ms. */
  readonly since?: number | undefined;
  readonly version?: string | undefined;
}

export interface Judgement {
  readonly known: ReadonlyMap<string, Known>;
  readonly blocked: ReadonlyMap<string, Blocked>;
}

export function rowOf({ peerId, link, member, stages }: PeerEntry, { known, blocked }: Judgement): PeerRow {
  const ranges = layersOf(member?.models ?? [], stages);
  return {
    peerId, ...(link === undefined ? {} : ofLink(link)), ...(member === undefined ? {} : ofMember(member)),
    layers: ranges.length === 0 ? undefined : ranges.map(formatRange).join(', '),
    layerCount: ranges.length === 0 ? undefined : ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0), isStage: stages.length > 0,
    reputation: reputationOf(known.get(peerId), blocked.get(peerId)), version: versionOf(member?.app ?? link?.agent),
  };
}

const ofLink = (link: Peer): Partial<PeerRow> => ({
  carrier: carrierOf(link), isRelayed: link.route === 'relayed', why: link.why, rttMs: link.rttMs, jitterMs: link.jitterMs, loss: link.loss,
  bytesPerSecond: link.throughput?.bytesPerSecond, isAtLeast: link.throughput?.kind === 'at least',
});

function ofMember({ name, machine, gpus = [], speed, zone, since }: Member): Partial<PeerRow> {
  const gpuBytes = gpus.reduce((sum, { memoryTotalBytes = 0 }) => sum + memoryTotalBytes, 0);
  return {
    name, ramTotalBytes: machine.ramTotalBytes, ramFreeBytes: machine.ramFreeBytes, gpus: gpus.length === 0 ? undefined : gpus.map((gpu) => gpu.name).join(', '),
    gpuBytes: gpuBytes === 0 ? undefined : gpuBytes, tokensPerSecond: speed?.decodeTokensPerSecond, zone, since,
  };
}

type Range = readonly [number, number];
/** Those of this chat, else those that it says it has loaded. */
function layersOf(models: ReadonlyArray<{ readonly loaded: readonly Range[] }>, stages: readonly Stage[]): readonly Range[] {
  return stages.length > 0 ? stages.map(({ layers }) => layers) : models.flatMap(({ loaded }) => loaded);
}

const versionOf = (app: string | undefined): string | undefined => (app === undefined ? undefined : /^omninode\/(.+)$/.exec(app)?.[1] ?? (app === 'omninode' ? undefined : app));

export const COLUMNS = ['name', 'ram', 'gpu', 'layers', 'speed', 'rtt', 'loss', 'bandwidth', 'connection', 'zone', 'reputation', 'since', 'version'] as const;
export type Column = (typeof COLUMNS)[number];
type Key = string | number | undefined;

const KEYS: Readonly<Record<Column, (row: PeerRow) => Key>> = {
  name: ({ name }) => name?.toLocaleLowerCase(), ram: ({ ramFreeBytes, ramTotalBytes }) => ramFreeBytes ?? ramTotalBytes, gpu: ({ gpuBytes, gpus }) => gpuBytes ?? (gpus === undefined ? undefined : 0), layers: ({ layerCount }) => layerCount,
  speed: ({ tokensPerSecond }) => tokensPerSecond, rtt: ({ rttMs }) => rttMs, loss: ({ loss }) => loss, bandwidth: ({ bytesPerSecond }) => bytesPerSecond, connection: ({ carrier }) => carrier, zone: ({ zone }) => zone,
  reputation: ({ reputation }) => (reputation === undefined ? undefined : WORTH[reputation.kind]), since: ({ since }) => since, version: ({ version }) => version,
};

/** Columns of which something is known of somebody; the name always. */
export const columnsOf = (rows: readonly PeerRow[]): readonly Column[] => COLUMNS.filter((column) => column === 'name' || rows.some((row) => KEYS[column](row) !== undefined));

export interface Order {
  readonly column: Column;
  readonly isDescending: boolean;
}

/** The same column again turns it round; of most figures the larger ones come first. */
const LARGEST_FIRST: readonly Column[] = ['ram', 'gpu', 'layers', 'speed', 'loss', 'bandwidth'];
export const orderAfter = (order: Order, column: Column): Order => (order.column === column ? { column, isDescending: !order.isDescending } : { column, isDescending: LARGEST_FIRST.includes(column) });

/** Who has no value comes last either way; equal ones stay in one order, by id. */
export function sortRows(rows: readonly PeerRow[], { column, isDescending }: Order): readonly PeerRow[] {
  const keyed = rows.map((row) => ({ row, key: KEYS[column](row) }));
  const compare = (a: Key, b: Key): number => {
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
    const order = typeof a === 'string' && typeof b === 'string' ? a.localeCompare(b, undefined, { numeric: true }) : Number(a) - Number(b);
    return isDescending ? -order : order;
  };
  return keyed.sort((a, b) => compare(a.key, b.key) || (a.row.peerId < b.row.peerId ? -1 : 1)).map(({ row }) => row);
}

/** Every word has to be somewhere in what the row says; `words` adds what it says in the page's language. */
export function filterRows(rows: readonly PeerRow[], text: string, words: (row: PeerRow) => string): readonly PeerRow[] {
  const wanted = text.toLocaleLowerCase().split(/\s+/).filter((word) => word !== '');
  if (wanted.length === 0) return rows;
  return rows.filter((row) => {
    const said = [row.peerId, row.name, row.carrier, row.gpus, row.zone, row.version, words(row)].join(' ').toLocaleLowerCase();
    return wanted.every((word) => said.includes(word));
  });
}

/** Of a line on the map, px: one more for ten times the bandwidth, from 1 MB/s on. */
export const lineWidth = (bytesPerSecond: number | undefined): number => (bytesPerSecond === undefined ? 1.5 : Math.min(6, Math.max(1, 1.5 + Math.log10(Math.max(1, bytesPerSecond / 1e6)))));
