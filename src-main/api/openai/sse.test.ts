import { expect, it } from 'vitest';
import { eventText, textStream } from './sse.ts';

it('gives a sign of life while nothing comes, and then what came, whole', async () => {
  const come = Promise.withResolvers<string>();
  const stream = textStream((async function* () {
    yield 'first\n\n';
    yield await come.promise;
  })(), 1);
  const heard: string[] = [];
  for await (const piece of stream) {
    heard.push(String(piece));
    if (heard.length === 4) come.resolve('last\n\n');
  }
  expect(heard[0]).toBe('first\n\n');
  expect(heard.at(-1)).toBe('last\n\n');
  expect(new Set(heard.slice(1, -1))).toEqual(new Set([': waiting\n\n']));
});

it('ends what it reads from when its reader goes', async () => {
  const ended = Promise.withResolvers<void>();
  const stream = textStream((async function* () {
    try {
      for (;;) yield 'more\n\n';
    } finally {
      ended.resolve();
    }
  })(), 1_000);
  for await (const _ of stream) break;
  await ended.promise;
});

it('keeps an event on its own lines, whatever is in it', () => {
  const text = eventText({ text: 'a\n\ndata: [DONE]\r\n' }, 'error');
  expect(text.match(/\n/g)).toHaveLength(3);
  expect(JSON.parse(text.slice(text.indexOf('{')))).toEqual({ text: 'a\n\ndata: [DONE]\r\n' });
});
