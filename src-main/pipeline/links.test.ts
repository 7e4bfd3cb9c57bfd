import { expect, it } from 'vitest';
import { asPeerId, ManualClock, type PeerId } from '../base/index.ts';
import { MAX_MEASURED_LINKS, MEASURE_RATE } from './options.ts';
import type { MeasureLink, MeasureRequest } from './ports.ts';
import { LinkSurvey } from './stage-runner/link-survey.ts';
import { cutLayers, expectNoLeak, LAYERS, stoppedAfterEach } from './testing/scenario.ts';
import { TestNetwork, type TestNetworkOptions } from './testing/test-network.ts';
import { AT, FrameType } from './wire/constants.ts';
import { decodeFrame, encodeHeader } from './wire/frame.ts';

let network: TestNetwork;
stoppedAfterEach(() => network);

const start = async (options: TestNetworkOptions): Promise<TestNetwork> => (network = await new TestNetwork(cutLayers(LAYERS, 2), options).start());
const to = (...names: string[]) => names.map((name) => ({ peer: asPeerId(name), addresses: [`memory:${name}`] }));
const never = new AbortController().signal;

it('a peer measures its links to those it was asked about, and leaves out whom it does not reach', async () => {
  const seen: Omit<MeasureRequest, 'signal'>[] = [];
  const measureLink: MeasureLink = ({ peer, addresses }) => {
    seen.push({ peer, addresses });
    if (peer === 'gone') return Promise.reject(new RangeError('not reached'));
    return Promise.resolve({ rttMs: 12.5, bytesPerSecond: peer === 'older' ? undefined : 5e6, ageMs: 3 });
  };
  await start({ measureLink });
  const [a] = network.route;
  expect(await network.coordinator.queryNode(a!)).toMatchObject({ knowsLinks: true });
  expect(await network.coordinator.measureLinks({ ...a!, to: to('b', 'gone', 'older') })).toEqual([
    { peer: 'b', rttMs: 12.5, bytesPerSecond: 5e6, ageMs: 3 }, { peer: 'older', rttMs: 12.5, bytesPerSecond: undefined, ageMs: 3 },
  ]);
  expect(seen).toEqual(to('b', 'gone', 'older'));
  await expectNoLeak(network);
});

it('a peer that has no way to measure tells of no link', async () => {
  await start({});
  expect(await network.coordinator.measureLinks({ ...network.route[0]!, to: to('b') })).toEqual([]);
});

it('a link that was not asked about is not believed', async () => {
  await start({ measureLink: () => Promise.resolve({ rttMs: 1, bytesPerSecond: undefined, ageMs: 0 }) });
  const link = (peer: string): object => ({ peer, rttMs: 1, ageMs: 0 });
  network.intercept = ({ from }, bytes) => {
    if (bytes[AT.type] !== FrameType.links) return bytes;
    const { session, stage } = decodeFrame(bytes, from);
    const payload = Buffer.from(JSON.stringify({ links: [link('b'), link('stranger')] }));
    return Buffer.concat([encodeHeader({ session, stage }, { type: FrameType.links }, payload), payload]);
  };
  expect((await network.coordinator.measureLinks({ ...network.route[0]!, to: to('b') })).map(({ peer }) => peer)).toEqual(['b']);
});

it('who may not use a node has nothing measured by it', async () => {
  let measured = 0;
  await start({ measureLink: () => Promise.resolve({ rttMs: ++measured, bytesPerSecond: undefined, ageMs: 0 }), authorize: () => false });
  await expect(network.coordinator.measureLinks({ ...network.route[0]!, to: to('b') })).rejects.toMatchObject({ code: 'PIPELINE_STAGE_REFUSED' });
  expect(measured).toBe(0);
});

it('nobody asks about more links than fit one question', async () => {
  let measured = 0;
  await start({ measureLink: () => Promise.resolve({ rttMs: ++measured, bytesPerSecond: undefined, ageMs: 0 }) });
  const tooMany = to(...Array.from({ length: MAX_MEASURED_LINKS + 1 }, (_, i) => `p${i}`));
  await expect(network.coordinator.measureLinks({ ...network.route[0]!, to: tooMany })).rejects.toMatchObject({ code: 'PIPELINE_STAGE_FAILED', meta: { code: 'PIPELINE_BAD_MESSAGE' } });
  expect(measured).toBe(0);
});

it('a caller that has enough does not wait for a peer that measures for ever', async () => {
  const enough = new AbortController();
  const measureLink: MeasureLink = () => { enough.abort(); return new Promise(() => undefined); };
  await start({ measureLink });
  await expect(network.coordinator.measureLinks({ ...network.route[0]!, to: to('b'), signal: enough.signal })).rejects.toMatchObject({ code: 'PIPELINE_CLOSED' });
  await expectNoLeak(network);
});

it('each asker has so many links measured, then has to wait; another one does not', async () => {
  const clock = new ManualClock();
  const survey = new LinkSurvey({ clock, measureLink: () => Promise.resolve({ rttMs: 1, bytesPerSecond: undefined, ageMs: 0 }) });
  const many = to(...Array.from({ length: 16 }, (_, i) => `p${i}`));
  const ask = (asker: PeerId): Promise<unknown> => survey.measure(many, { asker, signal: never });
  for (let i = 0; i < MEASURE_RATE.burst / many.length; i++) await ask(asPeerId('one'));
  await expect(ask(asPeerId('one'))).rejects.toMatchObject({ code: 'PIPELINE_STAGE_BUSY', retryable: true });
  await expect(ask(asPeerId('other'))).resolves.toHaveLength(many.length);
  clock.advance((1000 * many.length) / MEASURE_RATE.perSecond);
  await expect(ask(asPeerId('one'))).resolves.toHaveLength(many.length);
});

it('stops measuring when the asker is gone', async () => {
  const gone = new AbortController();
  const asked: PeerId[] = [];
  const measureLink: MeasureLink = ({ peer }) => {
    asked.push(peer);
    gone.abort();
    return Promise.resolve({ rttMs: 1, bytesPerSecond: undefined, ageMs: 0 });
  };
  await new LinkSurvey({ clock: new ManualClock(), measureLink }).measure(to('a', 'b'), { asker: asPeerId('one'), signal: gone.signal });
  expect(asked).toEqual(['a']);
});
