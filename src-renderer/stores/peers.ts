import type { Member, Peer, Stage } from '../../src-preload/bridge/index.ts';
import { formatNumber, texts } from '../language/index.ts';
import { formatBytes, formatRange } from './format.ts';

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
  const [links, told, parts] = [new Map(peers.map((peer) => [peer.peerId, peer])), new Map(members.map((member) => [member.peerId, member])), Map.groupBy(stages, ({ peerId }) => peerId)];
  return [...new Set([...told.keys(), ...links.keys()])].map((peerId) => {
    const [link, member] = [links.get(peerId), told.get(peerId)];
    return { peerId, stages: parts.get(peerId) ?? [], ...(link === undefined ? {} : { link }), ...(member === undefined ? {} : { member }) };
  });
}

const OS: Readonly<Record<string, string>> = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };

/** "Linux x64 · 8 cores · 12.3 GB of 16.0 GB free · RTX 4090 24.0 GB · on battery 40 %": only what it told. */
export function machineSummary({ machine, gpus = [] }: Member): string {
  const { os, arch, cores, ramFreeBytes, ramTotalBytes, isOnBattery, batteryShare } = machine;
  const { about } = texts().network;
  const parts = [
    `${OS[os] ?? os} ${arch}`,
    cores === undefined ? undefined : about.cores(cores),
    memorySummary(ramFreeBytes, ramTotalBytes),
    ...gpus.map(({ name, memoryTotalBytes }) => (memoryTotalBytes === undefined ? name : `${name} ${formatBytes(memoryTotalBytes)}`)),
    isOnBattery === true ? about.onBattery(batteryShare === undefined ? undefined : Math.round(batteryShare * 100)) : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}

function memorySummary(free: number | undefined, total: number | undefined): string | undefined {
  const { about } = texts().network;
  if (free !== undefined && total !== undefined) return about.freeOf(formatBytes(free), formatBytes(total));
  if (total !== undefined) return about.memory(formatBytes(total));
  return free === undefined ? undefined : about.free(formatBytes(free));
}

/** "omni-guide layers 0–5 loaded · 1380 tok/s": what it runs, or has on its disk, and how fast it is; empty when it told neither. */
export function workSummary({ models, speed }: Member): string {
  const { about } = texts().network;
  const parts = models.flatMap(({ name, hash, loaded, held }) => {
    const [ranges, say] = loaded.length > 0 ? [loaded, about.layersLoaded] : [held, about.layersOnDisk];
    return ranges.length === 0 ? [] : [say(name ?? hash.slice(0, 12), ranges.map(formatRange).join(', '))];
  });
  return [...parts, ...(speed === undefined ? [] : [about.speedWith(formatNumber(speed.decodeTokensPerSecond), speed.model)])].join(' · ');
}
