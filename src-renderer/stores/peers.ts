import type { Member, Peer, Stage } from '../../src-preload/bridge/index.ts';
import { formatBytes, formatMs } from './format.ts';

/** One node as the page lists it: connected, known by what it told of itself, or both. */
export interface PeerEntry {
  readonly peerId: string;
  readonly link?: Peer;
  readonly member?: Member;
  readonly stages: readonly Stage[];
}

interface PeerState {
  readonly peers: readonly Peer[];
  readonly members?: readonly Member[] | undefined;
  readonly stages?: readonly Stage[] | undefined;
}

/** Those that say what they can do first, then other connections. */
export function peerEntries({ peers, members = [], stages = [] }: PeerState): readonly PeerEntry[] {
  const ids = new Set([...members.map(({ peerId }) => peerId), ...peers.map(({ peerId }) => peerId)]);
  return [...ids].map((peerId) => {
    const [link, member] = [peers.find((one) => one.peerId === peerId), members.find((one) => one.peerId === peerId)];
    return { peerId, stages: stages.filter((stage) => stage.peerId === peerId), ...(link === undefined ? {} : { link }), ...(member === undefined ? {} : { member }) };
  });
}

/** "0.4 ms", "± 0.1 ms", "≥ 12.5 MB/s": only what was measured. */
export function linkFigures({ rttMs, jitterMs, throughput }: Peer): readonly string[] {
  return [
    ...(rttMs === undefined ? [] : [formatMs(rttMs)]), ...(jitterMs === undefined ? [] : [`± ${formatMs(jitterMs)}`]),
    ...(throughput === undefined ? [] : [`${throughput.kind === 'at least' ? '≥ ' : ''}${formatBytes(throughput.bytesPerSecond)}/s`]),
  ];
}

const OS: Readonly<Record<string, string>> = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };

/** "Linux x64 · 8 cores · 12.3 GB of 16.0 GB free · RTX 4090 24.0 GB · on battery 40 %": only what it told. */
export function machineSummary({ machine, gpus = [] }: Member): string {
  const { os, arch, cores, ramFreeBytes, ramTotalBytes, isOnBattery, batteryShare } = machine;
  const parts = [
    `${OS[os] ?? os} ${arch}`,
    cores === undefined ? undefined : `${cores} ${cores === 1 ? 'core' : 'cores'}`,
    memorySummary(ramFreeBytes, ramTotalBytes),
    ...gpus.map(({ name, memoryTotalBytes }) => (memoryTotalBytes === undefined ? name : `${name} ${formatBytes(memoryTotalBytes)}`)),
    isOnBattery === true ? `on battery${batteryShare === undefined ? '' : ` ${Math.round(batteryShare * 100)} %`}` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}

function memorySummary(free: number | undefined, total: number | undefined): string | undefined {
  if (free !== undefined && total !== undefined) return `${formatBytes(free)} of ${formatBytes(total)} free`;
  if (total !== undefined) return `${formatBytes(total)} memory`;
  return free === undefined ? undefined : `${formatBytes(free)} free`;
}

/** "omni-guide layers 0–5 loaded · 1380 tok/s": what it runs, or has on its disk, and how fast it is; empty when it told neither. */
export function workSummary({ models, speed }: Member): string {
  const texts = models.flatMap(({ name, hash, loaded, held }) => {
    const [ranges, how] = loaded.length > 0 ? [loaded, 'loaded'] : [held, 'on disk'];
    return ranges.length === 0 ? [] : [`${name ?? hash.slice(0, 12)} layers ${ranges.map(([first, last]) => (first === last ? String(first) : `${first}–${last}`)).join(', ')} ${how}`];
  });
  return [...texts, ...(speed === undefined ? [] : [`${Math.round(speed.decodeTokensPerSecond)} tok/s with ${speed.model}`])].join(' · ');
}
