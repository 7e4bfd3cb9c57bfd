import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenPipelineRequest } from './coordinator/coordinator.ts';
import { ask, cutLayers, ids, LAYERS, openOn, reference, withoutFeature } from './testing/scenario.ts';
import { TestNetwork } from './testing/test-network.ts';
import { FEATURES, FrameType } from './wire/constants.ts';
import { decodeFrame } from './wire/frame.ts';
import { openSchema, readControl } from './wire/schema.ts';

let network: TestNetwork;
/** What the stages were told of drafts when sessions opened. */
let told: (string | undefined)[];

beforeEach(async () => {
  network = await new TestNetwork(cutLayers(LAYERS, 3)).start();
  told = [];
});
afterEach(() => network.stop());

/** Opens and answers while the hello of `old` lacks the feature. */
async function answer(request: Partial<OpenPipelineRequest>, old?: string): Promise<void> {
  network.intercept = ({ from }, bytes) => {
    const frame = decodeFrame(bytes, 'p');
    if (frame.type === FrameType.open) told.push(readControl(frame, FrameType.open, from).speculate);
    return from === old ? withoutFeature(bytes, FEATURES.speculate) : bytes;
  };
  const pipeline = await openOn(network, request);
  const generation = pipeline.generate(ask());
  expect(await ids(generation)).toEqual(await reference());
  const { stats } = await generation.result;
  // Stages without a lane draft nothing, and say so to who knows the word.
  expect(stats.speculation).toEqual(old !== 'coordinator' ? { drafted: 0, accepted: 0, dropped: 0 } : undefined);
  await pipeline.close();
}

describe('whether tokens are guessed ahead', () => {
  it('is told to every stage, as the request has it', async () => {
    await answer({});
    await answer({ speculate: 'always' });
    await answer({ speculate: false });
    expect(told).toEqual(['adaptive', 'adaptive', 'adaptive', 'always', 'always', 'always', undefined, undefined, undefined]);
  });

  it.each(['node-0', 'node-2'])('is told to nobody when %s does not know of it', async (old) => {
    await answer({ speculate: 'always' }, old);
    expect(told).toEqual([undefined, undefined, undefined]);
  });

  it('is in no figures for a coordinator that does not know of it', () => answer({ speculate: false }, 'coordinator'));

  it('is one of two ways or absent', () => {
    const { speculate } = openSchema.shape;
    expect(['adaptive', 'always', 'often', true].map((how) => speculate.safeParse(how).success)).toEqual([true, true, false, false]);
  });
});
