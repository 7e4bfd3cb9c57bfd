import type { PeerRow, PeersNow } from '../../host/index.ts';
import { bytes, fitted, milliseconds, percent, shortPeer } from '../table.ts';

/** What `peers` shows, in so many columns of a terminal; pure. What a node did not tell is a dash, or left out where there is no room for a table. */

type Member = NonNullable<PeerRow['member']>;
type Link = NonNullable<PeerRow['link']>;

const HEAD = ['peer', 'name', 'machine', 'RAM free', 'GPU', 'speed', 'layers', 'link', 'away', 'jitter', 'lost', 'carries', 'zone', 'reached', 'here for'];
const NONE = '-';
const ZONES: Readonly<Record<NonNullable<PeersNow['standing']>['zone']['kind'], string>> = {
  local: 'this machine and its private networks', private: 'members only', public: 'anybody',
};

export function peersView({ self, peers, standing }: PeersNow, nowMs: number, width?: number): string {
  const rows = [...(self === undefined ? [] : [[...cells(self.peerId, self), 'this node', NONE, NONE, NONE, NONE, standing?.zone.kind ?? NONE, standing?.reachability.kind ?? NONE, since(self, nowMs)]]), ...peers.map((row) => peerCells(row, nowMs))];
  const own = standing === undefined ? '' : standingText(standing);
  if (rows.length === 0) return `${own}No other node is known.\n`;
  return `${own}${fitted(HEAD, rows, width)}\n${peers.length === 0 ? '\nNo other node is here.\n' : ''}`;
}

/** Of this node: what the columns have no room for. */
function standingText({ zone, reachability, relays }: NonNullable<PeersNow['standing']>): string {
  const places = relays.map(({ peerId, isHeld }) => `relay ${shortPeer(peerId)}: ${isHeld ? 'reached through it' : 'no place there'}`);
  const lines = [`zone ${zone.kind}${zone.name === undefined ? '' : ` ${zone.name}`}: ${ZONES[zone.kind]}`, `reached from the internet: ${reachability.kind} (${reachability.reason})`, ...places];
  return `${lines.join('\n')}\n\n`;
}

function peerCells({ peerId, link, member, stages = [] }: PeerRow, nowMs: number): string[] {
  const [peer = '', name = '', ...facts] = cells(peerId, member);
  // A node process of our own pipeline tells nothing of itself: it is we.
  const layers = stages.map((stage) => `${stage.layers[0]}-${stage.layers[1]} (${stage.ownership === 'this-machine' ? 'here' : stage.ownership})`).join(', ');
  return [
    peer, name, ...facts.slice(0, -1), layers === '' ? facts.at(-1) ?? NONE : layers,
    link === undefined ? 'through others' : `${link.transport}${link.route === 'relayed' ? ', relayed' : ''}`, awayText(link), milliseconds(link?.jitterMs, 1), percent(link?.loss), carriesText(link?.throughput), member?.zone ?? NONE, member?.reachability ?? NONE, since(member, nowMs),
  ];
}

function cells(peerId: string, member: Member | undefined): string[] {
  const { name, machine, gpus, speed, models = [] } = member ?? {};
  return [
    shortPeer(peerId), name ?? NONE, machine === undefined ? NONE : machineText(machine), memoryText(machine), gpuText(gpus),
    speed === undefined ? NONE : `${Math.round(speed.decodeTokensPerSecond)} tok/s`, models.map(modelText).filter((text) => text !== '').join('; ') || NONE,
  ];
}

const machineText = ({ os, arch, cores, isOnBattery }: Member['machine']): string =>
  `${os} ${arch}${cores === undefined ? '' : `, ${cores} cores`}${isOnBattery === true ? ', on battery' : ''}`;

function memoryText(machine: Member['machine'] | undefined): string {
  const { ramFreeBytes: free, ramTotalBytes: total } = machine ?? {};
  if (free === undefined && total === undefined) return NONE;
  return `${free === undefined ? '?' : gigabytes(free)} of ${total === undefined ? '?' : gigabytes(total)} GB`;
}

/** Smoothed, and the least where that is another. */
function awayText(link: Link | undefined): string {
  const [away, least] = [milliseconds(link?.rttMs, 1), milliseconds(link?.minRttMs, 1)];
  return least === NONE || least === away ? away : `${away}, least ${least.slice(0, -3)}`;
}

const carriesText = (throughput: Link['throughput']): string =>
  (throughput === undefined ? NONE : `${throughput.kind === 'at least' ? '>= ' : ''}${bytes(throughput.bytesPerSecond)}/s`);

/** None that it found is a fact; not having looked is none. */
function gpuText(gpus: Member['gpus']): string {
  if (gpus === undefined) return NONE;
  return gpus.map(({ name, memoryTotalBytes }) => `${name}${memoryTotalBytes === undefined ? '' : ` ${gigabytes(memoryTotalBytes)} GB`}`).join('; ') || 'none';
}

function modelText({ name, hash, loaded, held }: Member['models'][number]): string {
  const [ranges, how] = loaded.length > 0 ? [loaded, ''] : [held, ' on disk'];
  return ranges.length === 0 ? '' : `${name ?? hash.slice(0, 12)} ${ranges.map(([first, last]) => `${first}-${last}`).join(',')}${how}`;
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);

function since(member: Member | undefined, nowMs: number): string {
  if (member === undefined) return NONE;
  const seconds = Math.max(0, Math.round((nowMs - member.since) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
