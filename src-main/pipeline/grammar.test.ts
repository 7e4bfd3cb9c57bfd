import { beforeEach, describe, expect, it } from 'vitest';
import type { AnswerShape, Grammar } from '../inference/index.ts';
import { MAX_GRAMMAR_BYTES } from './options.ts';
import { ask, cutLayers, expectNoLeak, ids, LAYERS, openOn, reference, stoppedAfterEach, withoutFeature } from './testing/scenario.ts';
import { TestNetwork } from './testing/test-network.ts';
import { FEATURES, FrameType } from './wire/constants.ts';
import { decodeFrame, encodeHeader } from './wire/frame.ts';
import { controlBytes, openSchema, readControl } from './wire/schema.ts';

const GRAMMAR: Grammar = [{ any: [['yes'], ['no', 1]] }, { repeat: { notIn: '"' }, min: 0 }];
const SHAPE: AnswerShape = { grammar: GRAMMAR, spelling: new Uint8Array([1, 0, 65]) };

const OTHER: AnswerShape = { ...SHAPE, grammar: [{ any: [['other']] }] };

let network: TestNetwork;
beforeEach(async () => {
  network = await new TestNetwork(cutLayers(LAYERS, 3)).start();
});
stoppedAfterEach(() => network);

/** The types of frames with what the shape needs, by the stage that they went to. */
function watched(old?: string, lacks: string = FEATURES.grammar): string[] {
  const seen: string[] = [];
  network.intercept = ({ from, to }, bytes) => {
    const frame = decodeFrame(bytes, 'p');
    if (frame.type === FrameType.spelling) seen.push(`spelling to ${to}`);
    if (frame.type === FrameType.open) seen.push(`${readControl(frame, FrameType.open, from).grammar === undefined ? 'open' : 'grammar'} to ${to}`);
    return from === old ? withoutFeature(bytes, lacks) : bytes;
  };
  return seen;
}

const codeOf = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'none', (error: { code?: string }) => error.code);

describe('the shape of an answer', () => {
  it('is told to the last stage alone, and what tokens spell once', async () => {
    const seen = watched();
    const pipeline = await openOn(network);
    for (const shape of [SHAPE, OTHER]) expect(await ids(pipeline.generate(ask({ shape })))).toEqual(await reference());
    expect(seen.filter((one) => !one.startsWith('open')).toSorted()).toEqual(['grammar to node-2', 'grammar to node-2', 'spelling to node-2']);
    expect(seen.filter((one) => one.startsWith('open')).length).toBe(4);
    // Opened with what came over the wire.
    expect(network.node(2).engines[0]?.shapes).toEqual([SHAPE, OTHER]);
    expect(network.node(1).engines[0]?.shapes).toEqual([undefined, undefined]);
    await pipeline.close();
    await expectNoLeak(network);
  });

  it('keeps its session for the next answer of the same shape, and for no other', async () => {
    const pipeline = await openOn(network);
    const reusedBy = async (shape?: AnswerShape): Promise<number> => {
      const generation = pipeline.generate(ask(shape === undefined ? {} : { shape }));
      expect(await ids(generation)).toEqual(await reference());
      return generation.reusedTokens;
    };
    const reused = [];
    for (const shape of [SHAPE, { ...SHAPE, grammar: [...GRAMMAR] }, OTHER, undefined, undefined, OTHER]) reused.push(await reusedBy(shape) > 0);
    expect(reused).toEqual([false, true, false, false, true, false]);
    expect(network.node(2).engines[0]?.shapes).toEqual([SHAPE, OTHER, undefined, OTHER]);
    await pipeline.close();
    await expectNoLeak(network);
  });

  it('has a session for each answer where the last stage reads a session as one text', async () => {
    watched('node-2', FEATURES.answers);
    const pipeline = await openOn(network);
    for (let i = 0; i < 2; i++) {
      const generation = pipeline.generate(ask({ shape: SHAPE }));
      expect(await ids(generation)).toEqual(await reference());
      expect(generation.reusedTokens).toBe(0);
    }
    expect(network.node(2).engines[0]?.shapes).toEqual([SHAPE, SHAPE]);
    await pipeline.close();
    await expectNoLeak(network);
  });

  it('is refused where the last stage does not know of it, and nothing else ends', async () => {
    watched('node-2');
    const pipeline = await openOn(network);
    expect(await codeOf(ids(pipeline.generate(ask({ shape: SHAPE }))))).toBe('PIPELINE_NO_GRAMMAR');
    expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
    await pipeline.close();
  });

  it('may be unknown to the others', async () => {
    watched('node-0');
    const pipeline = await openOn(network);
    expect(await ids(pipeline.generate(ask({ shape: SHAPE })))).toEqual(await reference());
    await pipeline.close();
  });

  it('that the engine refuses is the asker\'s fault, not the stage\'s', async () => {
    const pipeline = await openOn(network);
    expect(await codeOf(ids(pipeline.generate(ask({ shape: { ...SHAPE, grammar: [{ any: [] }] } }))))).toBe('PIPELINE_BAD_GRAMMAR');
    expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
    await pipeline.close();
    await expectNoLeak(network);
  });

  it('that is too large is refused before anything is sent', async () => {
    const seen = watched();
    const pipeline = await openOn(network);
    expect(await codeOf(ids(pipeline.generate(ask({ shape: { ...SHAPE, grammar: [{ any: [['x'.repeat(MAX_GRAMMAR_BYTES)]] }] } }))))).toBe('PIPELINE_GRAMMAR_TOO_LARGE');
    expect(seen).toEqual([]);
    await pipeline.close();
  });

  it('is not taken where nothing tells what tokens spell, or from a stage that is not the last', async () => {
    let stage = 2;
    network.intercept = (_way, bytes) => {
      const frame = decodeFrame(bytes, 'p');
      if (frame.type !== FrameType.open || frame.stage !== stage) return bytes;
      const payload = Buffer.from(controlBytes(FrameType.open, { ...readControl(frame, FrameType.open, 'p'), grammar: GRAMMAR }));
      return Buffer.concat([encodeHeader(frame, { type: FrameType.open }, payload), payload]);
    };
    for (stage of [2, 1]) {
      const pipeline = await openOn(network);
      expect(await codeOf(ids(pipeline.generate(ask())))).toBe('PIPELINE_STAGE_FAILED');
      await pipeline.close();
    }
    await expectNoLeak(network);
  });

  it('is rules of known symbols', () => {
    const { grammar } = openSchema.shape;
    const right: unknown[] = [GRAMMAR, [{ any: [[{ in: 'a' }, 0, 'é']] }], [{ repeat: 'a', min: 0, max: 3 }]];
    const wrong: unknown[] = [[], [{ any: [[-1]] }], [{ any: [[0.5]] }], [{ any: [[{ in: 'é' }]] }], [{ any: [[{ in: 'a', notIn: 'b' }]] }], [{ repeat: 'a', min: -1 }], [{ repeat: 'a' }], [{ repeat: 'a', min: 0, any: [] }], 'root ::= "a"'];
    expect([...right, ...wrong].map((one) => grammar.safeParse(one).success)).toEqual([...right.map(() => true), ...wrong.map(() => false)]);
  });
});
