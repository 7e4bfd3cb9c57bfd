import { expect, it } from 'vitest';
import { CodedError, ManualClock } from '../../base/index.ts';
import { modelReader } from './model-reader.ts';
import { rankPassages } from './rank-passages.ts';
import { fileParts } from './attachment-service.ts';

const signal = new AbortController().signal;
/** A direction for each letter; texts of more than `limit` characters are refused. */
const embeddings = (limit: number) => {
  const asked: string[][] = [];
  return { asked, embed: async ({ texts }: { readonly texts: readonly string[] }) => {
    asked.push([...texts]);
    if (texts.some((text) => text.length > limit)) throw new CodedError({ code: 'EMBED_TEXT_TOO_LONG', message: 'too long', fault: 'user' });
    return { tokens: 1, vectors: texts.map((text) => Float32Array.from('abc', (letter) => Number(text.includes(letter)))) };
  } };
};

it('ranks passages by how near they are to the question', async () => {
  expect(await rankPassages(embeddings(99), { question: 'ab', passages: ['a', 'c', 'b a'] }, signal)).toEqual([1, 0, 2]);
});

it('cuts what the model finds too long, and takes the best of its parts', async () => {
  const own = embeddings(4);
  expect(await rankPassages(own, { question: 'ab', passages: ['xxxxxxab', 'c', 'axxxxxxb'] }, signal)).toEqual([2, 0, 1]);
  expect(own.asked).toHaveLength(2);
  await expect(rankPassages(embeddings(0), { question: 'ab', passages: ['a'] }, signal)).rejects.toMatchObject({ code: 'EMBED_TEXT_TOO_LONG' });
});

it('counts a long text in parts, all of it', async () => {
  const parts: string[] = [];
  const tokenizer = { tokenize: async (text: string) => {
    parts.push(text);
    return new Int32Array(text.length);
  } };
  const reader = modelReader({ modelId: () => 'm', contextTokens: () => 8, tokenizer: async () => tokenizer, embeddings: undefined });
  const text = `${'word '.repeat(7_000)}${'x'.repeat(40_000)}`;
  expect(await reader.count(text)).toBe(text.length);
  expect(parts.join('')).toBe(text);
  expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(16_000);
  expect(reader.rank).toBeUndefined();
});

it('keeps an upload until it is taken, given up, or too large', () => {
  const clock = new ManualClock(1);
  const uploads = fileParts(clock);
  const { uploadId } = uploads.add(Buffer.from('one '));
  expect(uploads.add(Buffer.from('two'), uploadId)).toEqual({ uploadId, sizeBytes: 7 });
  expect(uploads.take(uploadId).toString()).toBe('one two');
  expect(() => uploads.take(uploadId)).toThrow(expect.objectContaining({ code: 'HOST_UPLOAD_GONE' }));
  const large = uploads.add(Buffer.alloc(16_000_000)).uploadId;
  expect(() => uploads.add(Buffer.of(1), large)).toThrow(expect.objectContaining({ code: 'DOCUMENT_TOO_LARGE' }));
  for (let index = 0; index < 4; index += 1) uploads.add(Buffer.of(1));
  expect(() => uploads.add(Buffer.of(1))).toThrow(expect.objectContaining({ code: 'HOST_UPLOAD_BUSY' }));
  clock.advance(60_001);
  expect(uploads.add(Buffer.of(1)).sizeBytes).toBe(1);
});
