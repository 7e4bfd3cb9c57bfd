import { expect, it } from 'vitest';
import { FINISH, STAGES } from '../../test/support/scripted-host.ts';
import { activitySummary, formatBytes, formatLayers, formatMs, privacyAhead, privacyOf, summarise, waitingText } from './format.ts';

it('sums up only what was measured', () => {
  expect(summarise(FINISH)).toBe('3 stages · 41 tok/s · first token 120 ms');
  expect(summarise({ finishReason: 'stop', stages: [] })).toBe('');
  expect(summarise({ finishReason: 'cancelled', tokens: 3, tokensPerSecond: 4.26, stages: FINISH.stages.slice(0, 1) })).toBe('Stopped · 1 stage · 4.3 tok/s');
});

it('says what the pipeline does, and did last', () => {
  expect(activitySummary({ answering: 0, waiting: 0 })).toBe('');
  expect(activitySummary({ answering: 1, waiting: 2, ttftMs: 120 })).toBe('1 answer under way · 2 waiting · first token 120 ms');
  expect(activitySummary({ answering: 2, waiting: 0, itlMs: { p50: 8.2, p99: 31 } })).toBe('2 answers under way · 8.2 ms between tokens (1 in 100 over 31 ms)');
});

it('says who can see the chat', () => {
  const [first, ...rest] = STAGES;
  const stranger = { ...first!, ownership: 'stranger' as const };
  expect(privacyOf([])).toBeUndefined();
  expect(privacyOf(STAGES)).toEqual({ text: 'Only this machine sees this chat.', isPrivate: true });
  expect(privacyOf([{ ...first!, ownership: 'own' }, ...rest])).toEqual({ text: 'Only your machines see this chat.', isPrivate: true });
  expect(privacyOf([stranger, ...rest])?.text).toBe('1 stranger’s machine sees hidden states of this chat.');
  expect(privacyOf([stranger, { ...stranger, peerId: 'other' }, { ...stranger, peerId: 'other' }])).toEqual({ text: '2 strangers’ machines see hidden states of this chat.', isPrivate: false });
});

it('says what it costs with who sees it, and what it had cost', () => {
  const stranger = { ...STAGES[0]!, ownership: 'stranger' as const };
  const ahead = { state: 'ahead', machines: 1, most: '10000000000000000', per1000: '300000000000000' } as const;
  expect(privacyAhead([], ahead)).toEqual({ text: '1 stranger’s machine that is paid will see hidden states of this chat. They ask 0.0003 SUM for 1,000 tokens. A session costs 0.01 SUM at most, and you are asked before it begins.', isPrivate: false });
  expect(privacyOf([stranger], { ...ahead, state: 'open', spent: '1234567' })?.text).toBe('1 stranger’s machine sees hidden states of this chat. They are paid 0.0003 SUM for 1,000 tokens. This session has cost < 0.000001 SUM so far, of 0.01 SUM at most.');
  expect(summarise({ finishReason: 'stop', stages: [], paid: { soFar: '4500000000000000' } })).toBe('the session had cost 0.0045 SUM by then');
});

it('writes figures with their unit', () => {
  expect([0, 999, 1_400_000, 5_130_000_000, 123_456].map(formatBytes)).toEqual(['0 B', '999 B', '1.4 MB', '5.1 GB', '123 KB']);
  expect([0.4, 12.6, 1_500].map(formatMs)).toEqual(['0.4 ms', '13 ms', '1.5 s']);
  expect([formatLayers([0, 2]), formatLayers([3, 3])]).toEqual(['Layers 0–2', 'Layer 3']);
});

it('says how many answers come first', () => {
  expect([0, 1, 3].map(waitingText)).toEqual(['All places are taken. Yours is the next answer …', 'All places are taken. 1 answer comes before yours …', 'All places are taken. 3 answers come before yours …']);
});
