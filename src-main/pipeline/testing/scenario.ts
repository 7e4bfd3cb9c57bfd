import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect } from 'vitest';
import type { LayerRange } from '../../base/index.ts';
import type { SamplingOptions } from '../../inference/index.ts';
import type { OpenPipelineRequest } from '../coordinator/coordinator.ts';
import type { GeneratedToken, GenerateRequest, Generation } from '../coordinator/generation.ts';
import type { Pipeline } from '../coordinator/pipeline.ts';
import { FrameType } from '../wire/constants.ts';
import { decodeFrame, encodeHeader } from '../wire/frame.ts';
import { MODEL, TestNetwork } from './test-network.ts';

export const GREEDY_SAMPLING: SamplingOptions = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, penaltyWindow: 64, seed: 0, topLogprobs: 0 };
export const LAYERS = 8;
export const PROMPT = Int32Array.from({ length: 23 }, (_, i) => (i * 37 + 5) % 900);

export const openOn = (network: TestNetwork, request: Partial<OpenPipelineRequest> = {}): Promise<Pipeline> =>
  network.coordinator.openPipeline({ route: network.route, modelHash: MODEL, contextTokens: 256, batchTokens: 8, dtype: 'f16', ...request });

export const ask = (request: Partial<GenerateRequest> = {}): GenerateRequest => ({ promptTokens: PROMPT, sampling: GREEDY_SAMPLING, maxTokens: 40, endTokens: [], ...request });

export async function read(generation: Generation): Promise<GeneratedToken[]> {
  const tokens: GeneratedToken[] = [];
  for await (const token of generation) tokens.push(token);
  return tokens;
}

export const ids = async (generation: Generation): Promise<number[]> => (await read(generation)).map(({ token }) => token);

/** Cuts layers 0..total-1 into `stages` ranges of about the same length. */
export const cutLayers = (total: number, stages: number): LayerRange[] =>
  Array.from({ length: stages }, (_, i) => ({ first: Math.floor((i * total) / stages), last: Math.floor(((i + 1) * total) / stages) - 1 }));

/** A hello as nodes sent it before they had the feature; any other frame as it is. */
export function withoutFeature(bytes: Uint8Array, feature: string): Uint8Array {
  const frame = decodeFrame(bytes, 'p');
  if (frame.type !== FrameType.hello) return bytes;
  const hello = JSON.parse(Buffer.from(frame.payload).toString('utf8'));
  const payload = Buffer.from(JSON.stringify({ ...hello, features: hello.features.filter((name: string) => name !== feature) }));
  return Buffer.concat([encodeHeader(frame, { type: FrameType.hello }, payload), payload]);
}

/** What one stage with all layers answers. */
export async function reference(request: Partial<GenerateRequest> = {}): Promise<number[]> {
  const network = await new TestNetwork(cutLayers(LAYERS, 1)).start();
  const pipeline = await openOn(network, { dtype: 'f32', contextTokens: 4096 });
  const tokens = await ids(pipeline.generate(ask(request)));
  await network.stop();
  return tokens;
}

/** Stops a test's network after it; nothing may be rejected unheard on the way. */
export function stoppedAfterEach(network: () => TestNetwork): void {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  beforeEach(() => { process.on('unhandledRejection', onUnhandled); });
  afterEach(async () => {
    await network().stop();
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled.splice(0)).toEqual([]);
  });
}

/** Lets events happen until `holds`, or 2,000 turns of the loop. */
export async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !holds(); i++) await turn();
}

/** Nothing of a pipeline may stay: no session, engine, link or stream. */
export async function expectNoLeak(network: TestNetwork, except: readonly number[] = []): Promise<void> {
  const nodes = network.nodes.filter((_, i) => !except.includes(i));
  const left = (): unknown => ({ nodes: nodes.map(({ runner, engines }) => ({ ...runner.counts, loaded: engines.filter((engine) => !engine.disposed).length })), streams: network.openStreams });
  const nothing = { nodes: nodes.map(() => ({ sessions: 0, engines: 0, inboundLinks: 0, outboundLinks: 0, loaded: 0 })), streams: 0 };
  await until(() => JSON.stringify(left()) === JSON.stringify(nothing));
  expect(left()).toEqual(nothing);
}
