import { expect, it } from 'vitest';
import { asPeerId, systemClock } from '../../base/index.ts';
import { FrameType } from '../wire/constants.ts';
import { newSessionId } from '../wire/frame.ts';
import { StageLink } from '../wire/link.ts';
import { createLocalStreams } from '../wire/local-streams.ts';
import { StageClient } from './stage-client.ts';

it('gives answers to who asked, in order, also when two ask the same', async () => {
  const [near, far] = createLocalStreams(asPeerId('me'), asPeerId('stage'));
  const ref = { stage: 0, peer: 'stage', layers: { first: 0, last: 0 } };
  const client = new StageClient({ ref, route: [ref], stream: near, clock: systemClock, onLost: () => undefined });
  const stage = new StageLink({ stream: far, clock: systemClock, role: 'stage', onFrame: () => undefined, onEnd: () => undefined });
  const session = newSessionId();
  const wait = (timeoutMs: number): Promise<number> => client.expect(session, { type: FrameType.closed, phase: 'close', timeoutMs }).then(({ batch }) => batch);
  const [first, second] = [wait(10_000), wait(10_000)];
  for (const batch of [1, 2]) stage.post({ session, stage: 0 }, { type: FrameType.closed, batch });
  expect(await Promise.all([first, second])).toEqual([1, 2]);
  // One that gave up is no longer in the queue.
  await expect(wait(1)).rejects.toMatchObject({ code: 'PIPELINE_STAGE_TIMEOUT' });
  const third = wait(10_000);
  stage.post({ session, stage: 0 }, { type: FrameType.closed, batch: 3 });
  expect(await third).toBe(3);
  client.close();
});
