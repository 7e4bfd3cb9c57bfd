import { expect, it } from 'vitest';
import { deriveText, seeded } from '../../../../test/support/derive-text.ts';
import { Rules } from './rules.ts';
import { ToolReader, type ToolPiece } from './tool-reader.ts';
import { callsOnly, textOrCalls } from './tool-rules.ts';
import { CALL_TAG, callText, withTools, type Tool } from './tool-text.ts';

const tool = (name: string, parameters?: unknown): Tool => ({ name, description: undefined, parameters, isStrict: true, param: 'tools[0].function.parameters' });
const TOOLS = [tool('time'), tool('say', { type: 'object', properties: { text: { type: 'string' }, more: { type: 'object' } }, required: ['text'] })];

interface Read {
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
}

/** The pieces, put together, of a text cut anywhere. */
function read(text: string, random: () => number): Read {
  const reader = new ToolReader();
  const pieces: ToolPiece[] = [];
  for (let at = 0; at < text.length;) {
    const end = at + 1 + Math.floor(random() * 9);
    pieces.push(...reader.push(text.slice(at, end)));
    at = end;
  }
  pieces.push(...reader.end());
  const calls: { name: string; arguments: string }[] = [];
  let words = '';
  for (const piece of pieces) {
    if (piece.kind === 'call') calls.push({ name: piece.name, arguments: '' });
    else if (piece.kind === 'text') words += piece.text;
    else calls.splice(-1, 1, { name: calls.at(-1)?.name ?? '', arguments: (calls.at(-1)?.arguments ?? '') + piece.text });
  }
  expect(reader.calls).toBe(calls.length);
  return { text: words, calls };
}

it('reads calls as they were written, wherever they are cut', () => {
  const random = seeded(3);
  const rules = new Rules();
  const grammar = rules.grammar(callsOnly(rules, { tools: TOOLS, isSingle: false }));
  let most = 0;
  for (let i = 0; i < 500; i++) {
    const text = deriveText(grammar, random);
    const { text: words, calls } = read(text, random);
    expect(calls.map(callText).join('\n')).toBe(text);
    expect(words).toBe('');
    for (const { name, arguments: args } of calls) expect(JSON.parse(args)).toEqual(name === 'time' ? {} : expect.objectContaining({ text: expect.any(String) }));
    most = Math.max(most, calls.length);
  }
  expect(most).toBeGreaterThan(2);
});

it('takes words for words, up to a call', () => {
  const random = seeded(4);
  for (const words of ['', 'Hello', ' a < b, <tool> and <tool_call', '<<tool_call']) {
    expect(read(words, random)).toEqual({ text: words, calls: [] });
    const call = { name: 'say', arguments: '{"text": "}]\\"<tool_call>\\\\"}' };
    expect(read(`${words}\n${callText(call)}`, random)).toEqual({ text: words.trimEnd(), calls: [call] });
  }
  expect(read(`${CALL_TAG}\n{"name": "say", "arguments": {"te`, random)).toEqual({ text: '', calls: [{ name: 'say', arguments: '{"te' }] });
});

it('lets any text through that has no tag, and calls behind it', () => {
  const rules = new Rules();
  const grammar = rules.grammar(textOrCalls(rules, { tools: TOOLS, isSingle: true }));
  const random = seeded(6);
  const counts = [0, 0];
  for (let i = 0; i < 500; i++) {
    const text = deriveText(grammar, random);
    const { calls } = read(text, random);
    counts[calls.length] = (counts[calls.length] ?? 0) + 1;
    expect(text.split(CALL_TAG).length - 1).toBe(calls.length);
  }
  expect(counts.every((count) => count > 0)).toBe(true);
});

it('tells of the tools where the conversation begins', () => {
  const messages = [{ role: 'system' as const, content: 'Be brief.' }, { role: 'user' as const, content: 'Hi' }];
  expect(withTools(messages, TOOLS, false)[0]?.content).toMatch(/^Be brief\.\n\n[^]*"name":"say"/);
  expect(withTools(messages.slice(1), TOOLS, true).map(({ role }) => role)).toEqual(['system', 'user']);
});
