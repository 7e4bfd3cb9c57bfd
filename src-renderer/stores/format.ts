import type { ChatFinish, PipelineActivity, Stage } from '../../src-preload/bridge/index.ts';

/** Last characters of a peer id: the first ones are the same for every Ed25519 key. */
export const shortPeer = (peerId: string): string => (peerId.length <= 10 ? peerId : `…${peerId.slice(-6)}`);

export function formatBytes(sizeBytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, sizeBytes < 1 ? 0 : Math.floor(Math.log10(sizeBytes) / 3));
  const value = sizeBytes / 1000 ** power;
  return `${value >= 100 || power === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[power] ?? ''}`;
}

export const formatMs = (ms: number): string => (ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);

export const formatLayers = ([first, last]: readonly [number, number]): string => (first === last ? `Layer ${first}` : `Layers ${first}–${last}`);

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

/** "3 stages · 41 tok/s · first token 120 ms": only what was measured. */
export function summarise(finish: ChatFinish): string {
  const { stages, tokensPerSecond, ttftMs, finishReason } = finish;
  const parts = [
    finishReason === 'cancelled' ? 'Stopped' : finishReason === 'length' ? 'Cut at the token limit' : finishReason === 'context' ? 'Cut: context is full' : undefined,
    stages.length > 0 ? plural(stages.length, 'stage') : undefined,
    tokensPerSecond === undefined ? undefined : `${tokensPerSecond < 10 ? tokensPerSecond.toFixed(1) : Math.round(tokensPerSecond)} tok/s`,
    ttftMs === undefined ? undefined : `first token ${formatMs(ttftMs)}`,
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}

/** Who can see hidden states of a chat over these stages; undefined while that is unknown. */
export function privacyOf(stages: readonly Stage[]): { readonly text: string; readonly isPrivate: boolean } | undefined {
  if (stages.length === 0) return undefined;
  const strangers = new Set(stages.filter((stage) => stage.ownership === 'stranger').map((stage) => stage.peerId)).size;
  if (strangers > 0) return { text: `${strangers === 1 ? '1 stranger’s machine sees' : `${strangers} strangers’ machines see`} hidden states of this chat.`, isPrivate: false };
  const isHere = stages.every((stage) => stage.ownership === 'this-machine');
  return { text: isHere ? 'Only this machine sees this chat.' : 'Only your machines see this chat.', isPrivate: true };
}

/** The same before the first question; undefined while it is unknown. */
export function privacyAhead(stages: readonly Stage[]): { readonly text: string; readonly isPrivate: boolean } | undefined {
  const now = privacyOf(stages);
  return now === undefined ? undefined : { ...now, text: now.text.replace(/ sees? /, ' will see ') };
}

/** "3 stages on …abc123 and …def456": which machines answered. */
export const answeredBy = ({ stages }: ChatFinish): string => [...new Set(stages.map(({ peerId }) => shortPeer(peerId)))].join(', ');

/** "1 answer under way · 2 waiting · first token 120 ms · 8.2 ms between tokens": only what is or was measured; empty when nothing. */
export function activitySummary({ answering, waiting, ttftMs, itlMs }: PipelineActivity): string {
  const parts = [
    answering > 0 ? `${plural(answering, 'answer')} under way` : undefined,
    waiting > 0 ? `${waiting} waiting` : undefined,
    ttftMs === undefined ? undefined : `first token ${formatMs(ttftMs)}`,
    itlMs === undefined ? undefined : `${formatMs(itlMs.p50)} between tokens (1 in 100 over ${formatMs(itlMs.p99)})`,
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}

/** In the reader's own way of writing dates. */
export const formatUntil = (unixMs: number): string => new Date(unixMs).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export const peerSummary = (count: number): string => plural(count, 'peer');

export function waitingText(ahead: number): string {
  if (ahead === 0) return 'All places are taken. Yours is the next answer …';
  return `All places are taken. ${ahead} ${ahead === 1 ? 'answer comes' : 'answers come'} before yours …`;
}
