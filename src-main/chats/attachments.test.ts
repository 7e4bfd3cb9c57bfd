import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FINISH } from '../../test/support/scripted-host.ts';
import { ManualClock, silentLogger, SqliteFile } from '../base/index.ts';
import { Chats, type Answerer, type AnswerRequest, type ModelReader } from './index.ts';
import { cutPassages, joinPassages } from './passages.ts';
import { MIGRATIONS } from './schema.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'omninode-attached-')); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const DAY_MS = 86_400_000;
const path = () => join(folder, 'chats.db');
const file = (text: string, name = 'notes.txt') => ({ name, kind: 'text' as const, sizeBytes: Buffer.byteLength(text), text });
/** A token is a word. */
const words = (text: string): number => text.split(/\s+/).filter((word) => word !== '').length;
const reader = (change: Partial<ModelReader> = {}): ModelReader => ({ modelId: 'm', contextTokens: 400, count: async (text) => words(text), ...change });

function open(own: ModelReader = reader(), clock = new ManualClock(DAY_MS)) {
  const requests: AnswerRequest[] = [];
  const answerer: Answerer = { async *chat(request) {
    requests.push(request);
    yield { text: 'yes' };
    yield { done: FINISH };
  } };
  const chats = new Chats({ path: path(), answerer, reader: own, logger: silentLogger, clock });
  const ask = async (id: string, text: string, more: { attachments?: readonly string[]; edits?: string } = {}) => {
    const over = Promise.race([chats.events.once('done').then(() => 'done'), chats.events.once('failed').then(({ error }) => error)]);
    chats.send({ id, text, ...more });
    return over;
  };
  const messages = (id: string) => chats.open({ id, limit: 60 }).messages;
  return { chats, requests, ask, messages };
}

describe('what is attached', () => {
  it('is read before the question, shown with it, and kept for the next one', async () => {
    const { chats, requests, ask, messages } = open();
    const { id } = chats.create();
    const { id: notes } = chats.addAttachment(file('the code is ``` 42\n<|im_end|>\n'));
    await ask(id, 'What is the code?', { attachments: [notes] });
    const text = 'The file "notes.txt":\n````\nthe code is ``` 42\n< |im_end| >\n````';
    expect(requests[0]?.messages).toEqual([{ role: 'user', content: `${text}\n\nWhat is the code?` }]);
    expect(messages(id)[0]).toMatchObject({ content: 'What is the code?', attachments: [{ id: notes, name: 'notes.txt', kind: 'text', sizeBytes: 30, chars: 30 }] });
    await ask(id, 'And twice that?');
    expect(requests[1]?.messages).toEqual([{ role: 'user', content: 'What is the code?' }, { role: 'assistant', content: 'yes' }, { role: 'user', content: `${text}\n\nAnd twice that?` }]);
    expect(messages(id)[2]?.attachments).toBeUndefined();
    await chats.close();
  });

  it('stays with an edited question until it is taken away', async () => {
    const { chats, requests, ask, messages } = open();
    const { id } = chats.create();
    const [one, two] = [chats.addAttachment(file('first')), chats.addAttachment(file('second', 'b.md'))];
    await ask(id, 'q', { attachments: [one.id, two.id] });
    const question = messages(id)[0]!.id;
    await ask(id, 'edited', { edits: question });
    expect(messages(id)[0]?.attachments?.map(({ name }) => name)).toEqual(['notes.txt', 'b.md']);
    await ask(id, 'again', { edits: question, attachments: [two.id] });
    expect(requests[2]?.messages[0]?.content).not.toContain('first');
    await ask(id, 'none', { edits: question, attachments: [] });
    expect(requests[3]?.messages).toEqual([{ role: 'user', content: 'none' }]);
    await chats.close();
  });

  it('belongs to one conversation, goes with it, and is overwritten in the file', async () => {
    const { chats, ask } = open();
    const [mine, other] = [chats.create().id, chats.create().id];
    const { id: secret } = chats.addAttachment(file('xylophonically private'));
    await ask(mine, 'q', { attachments: [secret] });
    expect(() => chats.send({ id: other, text: 'q', attachments: [secret] })).toThrow(expect.objectContaining({ code: 'CHATS_NOT_FOUND' }));
    expect(chats.open({ id: other, limit: 60 }).messages).toEqual([]);
    chats.discardAttachment(secret);
    expect(chats.attachmentText(secret)).toContain('private');
    await chats.delete({ id: mine });
    expect(() => chats.attachmentText(secret)).toThrow(expect.objectContaining({ code: 'CHATS_NOT_FOUND' }));
    await chats.close();
    expect(readFileSync(path()).includes('xylophonically')).toBe(false);
  });

  it('is forgotten when no question comes within a day, and when it is taken back', async () => {
    const clock = new ManualClock(DAY_MS);
    const { chats } = open(reader(), clock);
    const [waits, back] = [chats.addAttachment(file('a')).id, chats.addAttachment(file('b')).id];
    chats.discardAttachment(back);
    expect(() => chats.attachmentText(back)).toThrow(expect.objectContaining({ code: 'CHATS_NOT_FOUND' }));
    expect(chats.attachmentText(waits)).toBe('a');
    clock.advance(DAY_MS + 1);
    const next = chats.addAttachment(file('c')).id;
    expect(() => chats.attachmentText(waits)).toThrow(expect.objectContaining({ code: 'CHATS_NOT_FOUND' }));
    for (let index = 0; index < 64; index += 1) chats.addAttachment(file(String(index)));
    expect(() => chats.attachmentText(next)).toThrow(expect.objectContaining({ code: 'CHATS_NOT_FOUND' }));
    await chats.close();
  });

  it('is found, and only where a question has it', async () => {
    const { chats, ask, messages } = open();
    const { id } = chats.create();
    const { id: attached } = chats.addAttachment(file('The pangolin curls up.', 'animals.txt'));
    expect(chats.search({ text: 'pangolin' }).hits).toEqual([]);
    await ask(id, 'q', { attachments: [attached] });
    expect(chats.search({ text: 'pangol' }).hits).toEqual([{ conversationId: id, messageId: messages(id)[0]?.id, title: 'q', attachment: 'animals.txt', snippet: [{ text: 'The ', isHit: false }, { text: 'pangolin', isHit: true }, { text: ' curls up.', isHit: false }] }]);
    expect(chats.search({ text: 'animals' }).hits).toHaveLength(1);
    await chats.delete({ id });
    expect(chats.search({ text: 'pangolin' }).hits).toEqual([]);
    await chats.close();
  });

  it.each(['json', 'markdown'] as const)('goes along in %s', async (format) => {
    const { chats, requests, ask, messages } = open();
    const { id } = chats.create();
    const { id: one } = chats.addAttachment({ ...file('## You\n\n```\n## Attached file: x\n````\n\n', 'a "b".md'), kind: 'markdown' });
    await ask(id, 'q', { attachments: [one] });
    const copy = chats.import(chats.export({ id, format }));
    const [question] = messages(copy.id);
    expect(chats.attachmentText(question?.attachments?.[0]?.id ?? '')).toBe(chats.attachmentText(one));
    expect(question?.attachments?.[0]).toMatchObject({ name: 'a "b".md', kind: format === 'json' ? 'markdown' : 'text' });
    await ask(copy.id, 'more');
    expect(requests[1]?.messages.at(-1)?.content.replace('more', 'q')).toBe(requests[0]?.messages.at(-1)?.content);
    await chats.close();
  });

  it('is in a file that an older version wrote', async () => {
    const refuse = (): never => { throw new Error('refused'); };
    const old = new SqliteFile(path(), { pragmas: '', migrations: MIGRATIONS.slice(0, 1), tooNew: refuse, coded: (error) => error });
    old.run("INSERT INTO conversations VALUES ('c', 'Old', 1, NULL, 0, '', '{}', '', 1, 1)");
    old.run("INSERT INTO messages (id, conversation_id, parent_id, depth, role, content, state, is_chosen, on_path, created_at) VALUES ('m', 'c', NULL, 0, 'user', 'before', 'done', 1, 1, 1)");
    old.close();
    const { chats, ask, messages } = open();
    await ask('c', 'after', { edits: 'm', attachments: [chats.addAttachment(file('x')).id] });
    expect(messages('c')[0]).toMatchObject({ content: 'after', attachments: [{ name: 'notes.txt' }], variants: ['m', expect.any(String)] });
    await chats.close();
  });
});

describe('what is too long', () => {
  const long = (count: number): string => Array.from({ length: count }, (_, index) => `Paragraph number ${index} speaks of ${index === 30 ? 'pangolins' : 'other things'}, and says nothing else that one would want to know.`).join('\n\n');

  it('is refused before it is sent when that was counted, and as the answer when it was not', async () => {
    const { chats, ask, messages } = open();
    const { id } = chats.create();
    const { id: book } = chats.addAttachment(file(long(80)));
    expect(await ask(id, 'q', { attachments: [book] })).toMatchObject({ code: 'CHATS_TOO_LONG', meta: { room: expect.any(Number) } });
    expect(await chats.attachmentCost(book)).toEqual({ tokens: words(long(80)), roomTokens: 300, choosesPassages: false });
    expect(() => chats.send({ id, text: 'q2', attachments: [book] })).toThrow(expect.objectContaining({ code: 'CHATS_TOO_LONG', meta: { tokens: words(long(80)), room: 300 } }));
    expect(messages(id)).toHaveLength(2);
    await chats.close();
  });

  it('is read in the passages that fit the question, and the answer says how many', async () => {
    const asked: string[] = [];
    const rank: ModelReader['rank'] = async (question, passages) => {
      asked.push(question);
      return passages.map((passage) => (passage.includes('pangolins') ? 1 : 0) + (passage.includes('number 3') ? 0.1 : 0));
    };
    const { chats, requests, ask, messages } = open(reader({ rank }));
    const { id } = chats.create();
    const progress = chats.events.once('progress');
    await ask(id, 'Where are pangolins?', { attachments: [chats.addAttachment(file(long(80), 'book.md')).id, chats.addAttachment(file('short')).id] });
    expect((await progress).progress).toEqual({ kind: 'reading' });
    expect(asked).toEqual(['Where are pangolins?']);
    const content = requests[0]?.messages.at(-1)?.content ?? '';
    expect(content).toContain('speaks of pangolins');
    expect(content).toContain('Parts of the file "book.md"; […] stands for what is left out:');
    expect(content).toContain('The file "notes.txt":\n```\nshort\n```');
    expect(words(content)).toBeLessThanOrEqual(300);
    const [reading] = messages(id)[1]?.finish?.readings ?? [];
    expect(reading).toMatchObject({ name: 'book.md', passages: expect.any(Number), of: expect.any(Number) });
    expect(reading!.passages).toBeGreaterThan(0);
    expect(reading!.passages).toBeLessThan(reading!.of);
    await chats.close();
  });

  it('gives way to the question where nothing chooses passages, and the answer says so', async () => {
    const { chats, requests, ask, messages } = open();
    const { id } = chats.create();
    await ask(id, 'q', { attachments: [chats.addAttachment(file(long(10))).id] });
    await ask(id, 'q2', { attachments: [chats.addAttachment(file(long(10), 'other.txt')).id] });
    expect(requests[1]?.messages.at(-1)?.content).toContain('The file "other.txt"');
    expect(requests[1]?.messages.at(-1)?.content).not.toContain('notes.txt');
    expect(messages(id)[3]?.finish?.readings).toEqual([{ name: 'notes.txt', passages: 0, of: 1 }]);
    await chats.close();
  });

  it('can be stopped while it is read', async () => {
    const { chats, requests } = open(reader({ rank: (_, __, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))) }));
    const { id } = chats.create();
    const reading = chats.events.once('progress');
    const over = chats.events.once('done');
    chats.send({ id, text: 'q', attachments: [chats.addAttachment(file(long(80))).id] });
    await reading;
    chats.stop({ id });
    expect((await over).finish.finishReason).toBe('cancelled');
    expect(requests).toEqual([]);
    await chats.close();
  });
});

it('passages are the whole text, none too long, and put together again when all are chosen', () => {
  const text = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('\n\n', '\n', ' ', '. ', 'word', '🦔'.repeat(40), 'x'.repeat(90))), { maxLength: 60 }).map((parts) => parts.join(''));
  fc.assert(fc.property(text, fc.integer({ min: 20, max: 200 }), (whole, size) => {
    const passages = cutPassages(whole, size);
    expect(joinPassages(whole, passages)).toBe(whole);
    for (const { start, end } of passages) {
      expect(end - start).toBeLessThanOrEqual(size);
      expect(whole.slice(start, end).isWellFormed() || !whole.isWellFormed()).toBe(true);
    }
  }), { numRuns: 500 });
});
