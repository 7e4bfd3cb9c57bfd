import { join } from 'node:path';
import { z } from 'zod';
import { asPeerId, readSmallFile, toCoded, writeAtomically, type Logger, type PeerId } from '../base/index.ts';
import { NO_CORRECTION, type Corrections } from '../pipeline/index.ts';
import { hostErrors } from './errors.ts';
import { LINK_MAX_AGE_MS } from './link-meter.ts';

/** What planning remembers between runs, in the node's home: what nodes were worth, links, and how plans turned out. */

const MAX_NODES = 512;
const MAX_LINKS = 2048;
const MAX_ANSWERS = 64;
const MAX_FILE_BYTES = 1024 * 1024;
/** What was not seen for this long may be another machine by now. */
const MAX_AGE_MS = 30 * 24 * 3_600_000;
/** Stands for whoever coordinates: a passing command has another peer id each time, but the same place. */
export const SELF = 'self';

const peer = z.string().min(1).max(128);
const modelHash = z.string().min(1).max(128);
const amount = z.number().min(0).max(1e15);
const factor = z.number().min(1 / 64).max(64);
/** Time to the first token counts from when the stages had taken the answer up. */
const figures = z.strictObject({ ttftMs: amount, tokensPerSecond: amount });

const nodeSchema = z.strictObject({
  peer, modelHash,
  /** The node's figures were themselves measured in runs; a factor against a guess says nothing about those. */
  isMeasured: z.boolean(),
  decode: factor, prefill: factor, atMs: amount,
});
const linkSchema = z.strictObject({ a: peer, b: peer, rttMs: amount, bytesPerSecond: z.number().min(1).max(1e12).exactOptional(), atMs: amount });
const answerSchema = z.strictObject({ modelHash, stages: z.number().int().min(1).max(1024), promptTokens: amount, answerTokens: amount, predicted: figures, measured: figures, atMs: amount });
const memorySchema = z.strictObject({
  version: z.literal(1), nodes: z.array(nodeSchema).max(MAX_NODES), links: z.array(linkSchema).max(MAX_LINKS), answers: z.array(answerSchema).max(MAX_ANSWERS),
});

/** A node's factor, measured / claimed, for one model. */
export type NodeMemory = z.infer<typeof nodeSchema>;
export type LinkMemory = z.infer<typeof linkSchema>;
/** What a plan promised, and what came of it. */
export type PlannedAnswer = z.infer<typeof answerSchema>;
/** Newest last. Times are unix ms. */
export type PlannerMemory = z.infer<typeof memorySchema>;

export const NO_MEMORY: PlannerMemory = { version: 1, nodes: [], links: [], answers: [] };

const pathIn = (home: string): string => join(home, 'planner.json');

/** What was remembered and is not too old. A file that cannot be used is as none, and is said to be so. */
export async function readPlannerMemory(home: string, { logger, nowMs }: { readonly logger: Pick<Logger, 'warn'>; readonly nowMs: number }): Promise<PlannerMemory> {
  const path = pathIn(home);
  try {
    const text = await readSmallFile(path, { limitBytes: MAX_FILE_BYTES, tooLarge: (sizeBytes) => hostErrors.fileTooLarge({ path: path, sizeBytes, limitBytes: MAX_FILE_BYTES }) });
    return text === undefined ? NO_MEMORY : young(memorySchema.parse(JSON.parse(text)), nowMs);
  } catch (error) {
    logger.warn({ path, reason: toCoded(error).message.slice(0, 200) }, 'what was learnt about nodes cannot be read: planning begins anew');
    return NO_MEMORY;
  }
}

/** Reads the file again, so that two processes lose each other's news only when they write at the same moment. A failure costs the memory, nothing else. */
export async function updatePlannerMemory(home: string, change: (memory: PlannerMemory) => PlannerMemory, options: { readonly logger: Pick<Logger, 'warn'>; readonly nowMs: number }): Promise<void> {
  try {
    // What could not be read again is not written.
    const next = memorySchema.parse(bounded(change(await readPlannerMemory(home, options))));
    await writeAtomically(pathIn(home), async (file) => void (await file.writeFile(JSON.stringify(next))), 0o600);
  } catch (error) {
    options.logger.warn({ path: pathIn(home), reason: toCoded(error).message.slice(0, 200) }, 'what was learnt about nodes cannot be kept');
  }
}

/** A time to come is a clock that was set back. */
const isYoung = (nowMs: number, maxAgeMs = MAX_AGE_MS) => ({ atMs }: { readonly atMs: number }): boolean => atMs <= nowMs && nowMs - atMs <= maxAgeMs;

const young = ({ version, nodes, links, answers }: PlannerMemory, nowMs: number): PlannerMemory =>
  ({ version, nodes: nodes.filter(isYoung(nowMs)), links: links.filter(isYoung(nowMs)), answers: answers.filter(isYoung(nowMs)) });

const bounded = ({ version, nodes, links, answers }: PlannerMemory): PlannerMemory =>
  ({ version, nodes: nodes.slice(-MAX_NODES), links: links.slice(-MAX_LINKS), answers: answers.slice(-MAX_ANSWERS) });

/** Links that need not be measured again. */
export const freshLinks = ({ links }: PlannerMemory, nowMs: number): LinkMemory[] => links.filter(isYoung(nowMs, LINK_MAX_AGE_MS));

export const isLink = (link: { readonly a: string; readonly b: string }, one: string, other: string): boolean => (link.a === one && link.b === other) || (link.a === other && link.b === one);

export const withLinks = (memory: PlannerMemory, links: readonly LinkMemory[]): PlannerMemory =>
  ({ ...memory, links: [...memory.links.filter((old) => !links.some(({ a, b }) => isLink(old, a, b))), ...links] });

/** For nodes as they describe themselves now. */
export function correctionsFor({ nodes }: PlannerMemory, hash: string, peers: readonly { readonly peer: PeerId; readonly node: { readonly isMeasured: boolean } }[]): Corrections {
  return new Map(peers.flatMap(({ peer: id, node }) => {
    const known = nodes.findLast((one) => one.peer === id && one.modelHash === hash && one.isMeasured === node.isMeasured);
    return known === undefined ? [] : [[asPeerId(id), { decode: known.decode, prefill: known.prefill }] as const];
  }));
}

export interface Lesson {
  readonly modelHash: string;
  /** Who ran the answer, with what kind of figures they were planned. */
  readonly nodes: readonly { readonly peer: PeerId; readonly isMeasured: boolean }[];
  readonly corrections: Corrections;
  readonly answer: Omit<PlannedAnswer, 'modelHash' | 'atMs'> | undefined;
}

/** With what one answer taught. */
export function withLesson(memory: PlannerMemory, { modelHash: hash, nodes, corrections, answer }: Lesson, nowMs: number): PlannerMemory {
  const isTaught = (old: NodeMemory): boolean => nodes.some((node) => node.peer === old.peer && node.isMeasured === old.isMeasured) && old.modelHash === hash;
  const taught = nodes.map(({ peer: id, isMeasured }): NodeMemory => ({ peer: id, modelHash: hash, isMeasured, ...(corrections.get(id) ?? NO_CORRECTION), atMs: nowMs }));
  return {
    ...memory, nodes: [...memory.nodes.filter((old) => !isTaught(old)), ...taught],
    answers: answer === undefined ? memory.answers : [...memory.answers, { modelHash: hash, ...answer, atMs: nowMs }],
  };
}

/** How the plans of late turned out. */
export interface PlanRecord {
  readonly answers: number;
  /** Medians over those answers. */
  readonly predicted: { readonly ttftMs: number; readonly tokensPerSecond: number };
  readonly measured: { readonly ttftMs: number; readonly tokensPerSecond: number };
}

const RECENT = 8;

/** Of the last few answers with planned stages, of one model or of any; undefined when there were none. */
export function planRecord({ answers }: PlannerMemory, hash?: string): PlanRecord | undefined {
  const recent = answers.filter((answer) => hash === undefined || answer.modelHash === hash).slice(-RECENT);
  if (recent.length === 0) return undefined;
  const of = (which: 'predicted' | 'measured') => ({ ttftMs: median(recent.map((answer) => answer[which].ttftMs)), tokensPerSecond: median(recent.map((answer) => answer[which].tokensPerSecond)) });
  return { answers: recent.length, predicted: of('predicted'), measured: of('measured') };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
}
