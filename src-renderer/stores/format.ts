import type { ChatFinish, Paying, PipelineActivity, Stage } from '../../src-preload/bridge/index.ts';
import { formatNumber, formatTime, texts } from '../language/index.ts';
import { formatUnits } from './units.ts';

/** Last characters of a peer id: the first ones are the same for every Ed25519 key. */
export const shortPeer = (peerId: string): string => (peerId.length <= 10 ? peerId : `…${peerId.slice(-6)}`);

const POWERS = 4;

export function formatBytes(sizeBytes: number): string {
  const power = Math.min(POWERS, sizeBytes < 1 ? 0 : Math.floor(Math.log10(sizeBytes) / 3));
  const value = sizeBytes / 1000 ** power;
  return texts().figures.bytes(formatNumber(value, value >= 100 || power === 0 ? 0 : 1), power);
}

export function formatMs(ms: number): string {
  const { figures } = texts();
  return ms < 1_000 ? figures.ms(formatNumber(ms, ms < 10 ? 1 : 0)) : figures.seconds(formatNumber(ms / 1_000, 1));
}

export const formatLayers = ([first, last]: readonly [number, number]): string => (first === last ? texts().figures.layer(first) : texts().figures.layers(first, last));

/** "0–5", for tables whose head says of what. */
export const formatRange = ([first, last]: readonly [number, number]): string => (first === last ? String(first) : `${first}–${last}`);

export const formatRate = (tokensPerSecond: number): string => texts().figures.tokensPerSecond(formatNumber(tokensPerSecond, tokensPerSecond < 10 ? 1 : 0));

const present = (parts: ReadonlyArray<string | undefined>): string => parts.filter((part) => part !== undefined).join(' · ');

/** "3 stages · 41 tok/s · first token 120 ms": only what was measured. */
export function summarise({ stages, tokensPerSecond, ttftMs, finishReason, model, paid }: ChatFinish): string {
  const { figures } = texts();
  const cut = { stop: undefined, cancelled: figures.stopped, length: figures.cutAtLimit, context: figures.cutAtContext }[finishReason];
  return present([
    cut,
    stages.length > 0 ? figures.stages(stages.length) : undefined,
    tokensPerSecond === undefined ? undefined : formatRate(tokensPerSecond),
    ttftMs === undefined ? undefined : figures.firstToken(formatMs(ttftMs)), model,
    paid === undefined ? undefined : figures.sessionCost(formatCost(paid.soFar)),
  ]);
}

interface Privacy {
  readonly text: string;
  readonly isPrivate: boolean;
}

/** Answers cost little: more digits than elsewhere. */
const COST_DIGITS = 6;
const formatCost = (units: string): string => formatUnits(units, COST_DIGITS).short;

/** Who can see hidden states of a chat over these stages, and what they are paid for it; undefined while that is unknown. */
export const privacyOf = (stages: readonly Stage[], paying?: Paying): Privacy | undefined => withPrice(privacy(stages, false), paying);

/** The same before the first question. */
export const privacyAhead = (stages: readonly Stage[], paying?: Paying): Privacy | undefined => withPrice(privacy(stages, true), paying);

function withPrice(known: Privacy | undefined, paying: Paying | undefined): Privacy | undefined {
  if (paying === undefined) return known;
  const { figures } = texts();
  const [per1000, most] = [formatCost(paying.per1000), formatCost(paying.most)];
  const price = paying.spent === undefined ? figures.priceAhead(per1000, most) : figures.priceOpen(per1000, formatCost(paying.spent), most);
  // Nothing is loaded before it is paid for.
  return { text: `${known?.text ?? figures.paidWillSee(paying.machines)} ${price}`, isPrivate: false };
}

function privacy(stages: readonly Stage[], isAhead: boolean): Privacy | undefined {
  if (stages.length === 0) return undefined;
  const { figures } = texts();
  const strangers = new Set(stages.filter((stage) => stage.ownership === 'stranger').map((stage) => stage.peerId)).size;
  if (strangers > 0) return { text: (isAhead ? figures.strangersWillSee : figures.strangersSee)(strangers), isPrivate: false };
  const isHere = stages.every((stage) => stage.ownership === 'this-machine');
  const [here, yours] = isAhead ? [figures.onlyThisWillSee, figures.onlyYoursWillSee] : [figures.onlyThisSees, figures.onlyYoursSee];
  return { text: isHere ? here : yours, isPrivate: true };
}

/** "…abc123, …def456": which machines answered. */
export const answeredBy = ({ stages }: ChatFinish): string => [...new Set(stages.map(({ peerId }) => shortPeer(peerId)))].join(', ');

/** "1 answer under way · 2 waiting · first token 120 ms · 8.2 ms between tokens": only what is or was measured; empty when nothing. */
export function activitySummary({ answering, waiting, ttftMs, itlMs }: PipelineActivity): string {
  const { figures } = texts();
  return present([
    answering > 0 ? figures.underWay(answering) : undefined,
    waiting > 0 ? figures.waiting(waiting) : undefined,
    ttftMs === undefined ? undefined : figures.firstToken(formatMs(ttftMs)),
    itlMs === undefined ? undefined : figures.betweenTokens(formatMs(itlMs.p50), formatMs(itlMs.p99)),
  ]);
}

/** In the reader's own way of writing dates. */
export const formatUntil = (unixMs: number): string => formatTime(unixMs);

export const peerSummary = (count: number): string => texts().figures.peers(count);

export const waitingText = (ahead: number): string => (ahead === 0 ? texts().figures.nextInLine : texts().figures.ahead(ahead));
