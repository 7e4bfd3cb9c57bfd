import { expect, it } from 'vitest';
import { STAGES } from '../../test/support/scripted-host.ts';
import { en } from '../language/en/index.ts';
import { deviation, pipelineLine, rowsOf, sharesOf, shortSentence, withSample } from './pipeline.ts';

const texts = en.pipeline;
const sample = (atMs: number, tokensPerSecond?: number) => ({ atMs, spanMs: 2_000, ...(tokensPerSecond === undefined ? {} : { tokensPerSecond }) });

it('says in one line what answers, where, and what it does', () => {
  const [first, second, third] = STAGES;
  expect(pipelineLine([], undefined, texts)).toBe('');
  expect(pipelineLine(STAGES, undefined, texts)).toBe('3 stages on this machine · ready');
  expect(pipelineLine([first!], { answering: 2, waiting: 0 }, texts)).toBe('1 stage on this machine · writing 2 answers');
  expect(pipelineLine(STAGES, { answering: 0, waiting: 3 }, texts)).toBe('3 stages on this machine · 3 waiting');
  expect(pipelineLine([first!, second!, { ...third!, ownership: 'own' }], undefined, texts)).toBe('3 stages on 2 machines · ready');
  expect(pipelineLine([{ ...first!, state: 'lost' }, second!], { answering: 1, waiting: 0 }, texts)).toBe('2 stages on this machine · a stage was lost, others take over');
  expect(pipelineLine([{ ...first!, state: 'loading' }], undefined, texts)).toBe('1 stage on this machine · loading');
});

it('holds a figure over the time that it was measured in, and draws nothing over a gap', () => {
  expect(rowsOf([sample(10_000, 5), sample(12_000, 6), sample(30_000, 7)], 2_000)).toEqual([
    { atMs: 8_000, tokensPerSecond: 5 }, { atMs: 10_000, tokensPerSecond: 5 }, { atMs: 12_000, tokensPerSecond: 6 },
    { atMs: 12_001 }, { atMs: 28_000, tokensPerSecond: 7 }, { atMs: 30_000, tokensPerSecond: 7 },
  ]);
  expect(rowsOf([sample(10_000, 5), sample(12_900, 6)], 2_000)).toHaveLength(3);
});

it('goes on with newer samples, and forgets what is too old', () => {
  const samples = [sample(2_000), sample(60_000), sample(62_000)];
  expect(withSample(samples, sample(62_000), 60_000)).toBe(samples);
  expect(withSample(samples, sample(64_000), 60_000).map(({ atMs }) => atMs)).toEqual([60_000, 62_000, 64_000]);
});

it('tells where a token’s time goes: only what was measured', () => {
  expect(sharesOf(STAGES.map(({ msPerToken: _, ...stage }) => stage))).toEqual([]);
  expect(sharesOf([{ ...STAGES[0]!, waitMsPerToken: 0, wireMsPerToken: 0.4 }])).toEqual([{ what: 'compute', stage: 0, ms: 7.9 }, { what: 'wire', stage: 0, ms: 0.4 }]);
});

it('compares what was predicted with what was measured, and shortens peer ids', () => {
  expect([deviation(50, 44, texts), deviation(50, 60, texts), deviation(50, 50.1, texts), deviation(0, 1, texts)]).toEqual(['12 % slower than predicted', '20 % faster than predicted', 'as predicted', 'as predicted']);
  expect(shortSentence('12D3KooWScriptedPeerNumber1 runs layers 0-5.')).toBe('…umber1 runs layers 0-5.');
});
