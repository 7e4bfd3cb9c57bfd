import fc from 'fast-check';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FINISH } from '../../test/support/scripted-host.ts';
import { silentLogger, SqliteFile } from '../base/index.ts';
import { chatsErrors } from './errors.ts';
import { Chats, type Answerer, type AnswerRequest, type RatedAnswer, type Rater } from './index.ts';
import { MIGRATIONS } from './schema.ts';
import { readTransfer, writeJson, writeMarkdown } from './transfer.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'omninode-chats-')); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(script: Answerer['chat'] = echo, rater?: Rater) {
  const requests: AnswerRequest[] = [];
  const answerer: Answerer = { chat: (request) => { requests.push(request); return script(request); } };
  const chats = new Chats({ path: join(folder, 'chats.db'), answerer, logger: silentLogger, ...(rater === undefined ? {} : { rater }) });
  const say = async (id: string, text: string, edits?: string) => {
    const over = chats.events.once('done');
    const { answerId } = chats.send({ id, text, ...(edits === undefined ? {} : { edits }) });
    await over;
    return answerId;
  };
  const texts = (id: string) => chats.open({ id, limit: 60 }).messages.map(({ content }) => content);
  return { chats, requests, say, texts };
}

async function* echo({ messages }: AnswerRequest): ReturnType<Answerer['chat']> {
  yield { text: 're: ' };
  yield { text: messages.at(-1)?.content ?? '' };
  yield { done: FINISH };
}

it('asks with what was said before, in the branch that is shown', async () => {
  const { chats, requests, say, texts } = open();
  const { id } = chats.create();
  chats.update({ id, change: { system: 'Be short.', options: { temperature: 0.5, maxTokens: 9 } } });
  await say(id, 'one');
  const first = chats.open({ id, limit: 60 }).messages[0]?.id ?? '';
  await say(id, 'two');
  await say(id, 'uno', first);
  expect(requests[1]).toMatchObject({ maxTokens: 9, sampling: { temperature: 0.5 }, messages: [{ role: 'system', content: 'Be short.' }, { role: 'user', content: 'one' }, { role: 'assistant', content: 're: one' }, { role: 'user', content: 'two' }] });
  expect(requests[2]?.messages.map(({ content }) => content)).toEqual(['Be short.', 'uno']);
  expect(texts(id)).toEqual(['uno', 're: uno']);
  expect(chats.choose({ id, messageId: first })).toEqual({ index: 0 });
  expect(texts(id)).toEqual(['one', 're: one', 'two', 're: two']);
  expect(chats.list({ offset: 0, limit: 10 }).conversations[0]).toMatchObject({ title: 'one', isAnswering: false });
  await chats.close();
});

it('writes another answer, and continues one from where it stopped', async () => {
  const { chats, requests, say, texts } = open();
  const { id } = chats.create();
  const answer = await say(id, 'q');
  const second = chats.events.once('done');
  const { answerId } = chats.regenerate({ id, messageId: answer });
  await second;
  expect(chats.open({ id, limit: 60 }).messages[1]?.variants).toEqual([answer, answerId]);
  const third = chats.events.once('done');
  chats.continue({ id, messageId: answerId });
  await third;
  expect(requests[2]?.messages).toEqual([{ role: 'user', content: 'q' }, { role: 'assistant', content: 're: q' }]);
  expect(texts(id)).toEqual(['q', 're: qre: re: q']);
  expect(() => chats.regenerate({ id, messageId: chats.open({ id, limit: 60 }).messages[0]?.id ?? '' })).toThrow(expect.objectContaining({ code: 'CHATS_NOT_POSSIBLE' }));
  await chats.close();
});

it('keeps what is thought of an answer that was paid for, once whoever paid has heard of it', async () => {
  let [session, isHeard] = ['s1', true];
  const heard: RatedAnswer[] = [];
  const rater: Rater = { rate: async (rated) => {
    if (!isHeard) throw chatsErrors.busy({ limit: 0 });
    heard.push(rated);
  } };
  const { chats, say } = open(async function* () {
    yield { text: 'a' };
    yield { done: FINISH, ...(session === '' ? {} : { paidSession: session }) };
  }, rater);
  const { id } = chats.create();
  const answer = await say(id, 'q');
  const ratingOf = (messageId: string) => chats.open({ id, limit: 60 }).messages.find((one) => one.id === messageId)?.rating;
  expect(ratingOf(answer)).toBeNull();
  expect(await chats.rate({ id, messageId: answer, rating: 'good' })).toEqual({});
  expect([heard, ratingOf(answer)]).toEqual([[{ session: 's1', answer, rating: 'good' }], 'good']);
  isHeard = false;
  await expect(chats.rate({ id, messageId: answer, rating: 'bad' })).rejects.toMatchObject({ code: 'CHATS_BUSY' });
  expect(ratingOf(answer)).toBe('good');
  // Whose account paid is nobody's business who gets the file.
  expect(chats.export({ id, format: 'json' }).text).not.toMatch(/s1|rating|paid/);
  const goOn = async () => {
    const over = chats.events.once('done');
    chats.continue({ id, messageId: answer });
    await over;
    return ratingOf(answer);
  };
  expect(await goOn()).toBe('good');
  session = 's2';
  expect(await goOn()).toBeNull();
  session = '';
  const free = await say(id, 'for nothing');
  expect(ratingOf(free)).toBeUndefined();
  await expect(chats.rate({ id, messageId: free, rating: 'good' })).rejects.toMatchObject({ code: 'CHATS_NOT_POSSIBLE' });
  await chats.close();
});

it('goes on with conversations of a version without ratings', async () => {
  const old = new SqliteFile(join(folder, 'chats.db'), { pragmas: '', migrations: MIGRATIONS.slice(0, 2), tooNew: () => chatsErrors.notFound({ what: '' }), coded: (error) => error });
  old.run("INSERT INTO conversations VALUES ('c', 'before', 1, NULL, 0, '', '{}', '', 1, 1)");
  old.run("INSERT INTO messages (id, conversation_id, depth, role, content, state, is_chosen, on_path, created_at) VALUES ('m', 'c', 0, 'user', 'kept', 'done', 1, 1, 1)");
  old.close();
  const { chats, texts } = open();
  expect(texts('c')).toEqual(['kept']);
  await chats.close();
});

it('stops an answer and keeps what came; one at a time', async () => {
  const { chats, texts } = open(async function* ({ signal }) {
    yield { text: 'half' };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    signal.throwIfAborted();
  });
  const { id } = chats.create();
  const text = chats.events.once('text');
  chats.send({ id, text: 'q' });
  await text;
  expect(() => chats.send({ id, text: 'again' })).toThrow(expect.objectContaining({ code: 'CHATS_ANSWERING' }));
  const over = chats.events.once('done');
  expect(chats.stop({ id })).toEqual({ isStopped: true });
  expect((await over).finish.finishReason).toBe('cancelled');
  expect(texts(id)).toEqual(['q', 'half']);
  expect(chats.stop({ id })).toEqual({ isStopped: false });
  await chats.close();
});

it('keeps a failure with its answer, without what nobody foresaw', async () => {
  const { chats } = open(() => { throw new Error('a secret path'); });
  const { id } = chats.create();
  const failed = chats.events.once('failed');
  chats.send({ id, text: 'q' });
  await failed;
  const [, answer] = chats.open({ id, limit: 60 }).messages;
  expect(answer).toMatchObject({ state: 'failed', error: { code: 'INTERNAL' } });
  expect(JSON.stringify(answer)).not.toContain('secret');
  await chats.close();
});

it('has what was saved of an answer after kill -9, and says that it was interrupted', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'testing', 'writer.ts'), join(folder, 'chats.db')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [id] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  child.kill('SIGKILL');
  await once(child, 'exit');
  const { chats } = open();
  const { messages, conversation } = chats.open({ id: id.trim(), limit: 60 });
  expect(messages).toMatchObject([{ content: 'a question', state: 'done' }, { content: 'begun and saved', state: 'interrupted' }]);
  expect(conversation.isAnswering).toBe(false);
  await chats.close();
});

it('finds titles and words, with accents or without, and takes no syntax', async () => {
  const { chats, say } = open();
  const [one, two] = [chats.create().id, chats.create().id];
  await say(one, 'Où est le café "noir"?');
  await say(two, 'Pipelines of layers');
  const { hits } = chats.search({ text: 'cafe noi' });
  expect(hits.map(({ conversationId }) => conversationId)).toEqual([one, one]);
  expect(hits[0]?.snippet.filter(({ isHit }) => isHit).map(({ text }) => text)).toContain('café');
  chats.update({ id: two, change: { title: 'Sourdough' } });
  expect(chats.search({ text: 'pipelines' }).hits).toMatchObject([{ conversationId: two, title: 'Sourdough' }, { conversationId: two }]);
  expect(chats.search({ text: 'dough' }).hits).toEqual([{ conversationId: two, title: 'Sourdough', snippet: [] }]);
  for (const text of ['"', 'a AND', 'NEAR(', '*', '-x', "'; DROP TABLE messages; --", '%']) expect(() => chats.search({ text })).not.toThrow();
  await chats.delete({ id: one });
  expect(chats.search({ text: 'noir' }).hits).toEqual([]);
  await chats.close();
});

it('orders by pin and time, and keeps folders', async () => {
  const { chats } = open();
  const [one, two] = [chats.create().id, chats.create().id];
  chats.update({ id: one, change: { isPinned: true, folder: 'Work', title: 'Mine' } });
  expect(chats.list({ offset: 0, limit: 10 })).toMatchObject({ total: 2, folders: ['Work'], conversations: [{ id: one, title: 'Mine', folder: 'Work', isPinned: true }, { id: two }] });
  chats.update({ id: one, change: { folder: null } });
  expect(chats.list({ offset: 0, limit: 1 })).toMatchObject({ total: 2, folders: [] });
  expect(() => chats.update({ id: 'nobody', change: {} })).toThrow(expect.objectContaining({ code: 'CHATS_NOT_FOUND' }));
  await chats.close();
});

it('keeps presets and drafts', async () => {
  const { chats } = open();
  const { id } = chats.create();
  chats.update({ id, change: { draft: 'not yet' } });
  expect(chats.open({ id, limit: 1 }).draft).toBe('not yet');
  chats.savePreset({ name: 'Short', system: 'Be short.', options: { temperature: 0 } });
  chats.savePreset({ name: 'Short', system: 'Be very short.', options: {} });
  expect(chats.presets().presets).toEqual([{ name: 'Short', system: 'Be very short.', options: {} }]);
  chats.deletePreset({ name: 'Short' });
  expect(chats.presets().presets).toEqual([]);
  await chats.close();
});

it('exports all branches as JSON and the one shown as markdown; both come back', async () => {
  const { chats, say, texts } = open();
  const { id } = chats.create();
  await say(id, '## You\n\n```md\n## Assistant\n\\## System\n```');
  const answer = await say(id, 'second');
  const again = chats.events.once('done');
  chats.regenerate({ id, messageId: answer });
  await again;
  chats.choose({ id, messageId: answer });
  const json = chats.export({ id, format: 'json' });
  const copy = chats.import(json);
  expect(JSON.parse(chats.export({ id: copy.id, format: 'json' }).text)).toEqual(JSON.parse(json.text));
  expect(texts(copy.id)).toEqual(texts(id));
  const read = chats.import(chats.export({ id, format: 'markdown' }));
  expect(texts(read.id)).toEqual(texts(id));
  await chats.close();
});

it('markdown gives any text back but line ends and space at its edges', () => {
  const line = fc.oneof(fc.string(), fc.constantFrom('## You', '\\## You', '## System', '# Title', '```', ''));
  fc.assert(fc.property(fc.array(line, { minLength: 1, maxLength: 6 }).map((lines) => lines.join('\n').replaceAll('\r', '').trim()), (content) => {
    const { messages } = readTransfer(writeMarkdown({ title: 'T', system: '', messages: [{ role: 'user', content }] }), 1);
    expect(messages.map((message) => message.content)).toEqual([content]);
  }));
});

it.each(['', '{', '[]', '{"format":"x"}', '# no messages', 'text', '{"format":"omninode-conversation","version":1,"title":"t","system":"","options":{},"messages":[{"parent":0,"role":"user","content":"","createdAt":1,"isChosen":true}]}'])('refuses to import %s, and makes nothing', async (text) => {
  const { chats } = open();
  expect(() => chats.import({ text })).toThrow(expect.objectContaining({ code: 'CHATS_BAD_FILE' }));
  expect(chats.list({ offset: 0, limit: 1 }).total).toBe(0);
  await chats.close();
});

it('sets a damaged file aside and begins anew', async () => {
  writeFileSync(join(folder, 'chats.db'), 'this is no database '.repeat(500));
  const { chats } = open();
  expect(chats.list({ offset: 0, limit: 1 }).total).toBe(0);
  expect(readdirSync(folder).some((name) => name.startsWith('chats.db.damaged-'))).toBe(true);
  await chats.close();
});

/** As a page hands a file over. */
function bring(chats: Chats, bytes: Buffer, partBytes = 480_000) {
  let uploadId: string | undefined;
  for (let at = 0; at === 0 || at < bytes.length; at += partBytes) ({ uploadId } = chats.importPart({ part: bytes.subarray(at, at + partBytes).toString('base64'), ...(uploadId === undefined ? {} : { uploadId }) }));
  return chats.importParts({ uploadId: uploadId ?? '' });
}

it('brings a conversation of 10,000 messages and more than a call takes out and in again, the same', () => {
  const { chats } = open();
  const messages = Array.from({ length: 10_000 }, (_, index) => ({
    // Each tenth question was asked in another way too.
    parent: index === 0 ? null : index % 20 === 2 ? index - 3 : index - 1, role: index % 2 === 0 ? 'user' as const : 'assistant' as const,
    content: `Message ${index}: ${'grüße \u{1F9E9} '.repeat(12)}`, createdAt: 1_800_000_000_000 + index, isChosen: true,
  })).map((message, index, all) => ({ ...message, parent: message.parent !== null && (message.parent < 0 || all[message.parent]?.role === message.role) ? index - 1 : message.parent }));
  const text = writeJson({ title: 'Long', system: 'Be short.', options: { temperature: 0.5 }, messages });
  const bytes = Buffer.from(text);
  expect(bytes.length).toBeGreaterThan(2_000_000);
  // A part ends in the middle of a letter.
  const first = chats.export({ id: bring(chats, bytes, 479_999).id, format: 'json' });
  const again = chats.export({ id: bring(chats, Buffer.from(first.text)).id, format: 'json' });
  expect(JSON.parse(again.text)).toEqual(JSON.parse(first.text));
  expect((JSON.parse(first.text) as { messages: unknown[] }).messages.length).toBe(10_000);
  expect(messages.map(({ content, parent }) => [content, parent])).toEqual((JSON.parse(first.text) as { messages: typeof messages }).messages.map(({ content, parent }) => [content, parent]));
});

it('takes no file in parts that is too large, no text, or did not come whole', () => {
  const { chats } = open();
  expect(() => bring(chats, Buffer.from([0x7b, 0xff]))).toThrow(expect.objectContaining({ code: 'CHATS_BAD_FILE' }));
  expect(() => chats.importParts({ uploadId: 'gone' })).toThrow(expect.objectContaining({ code: 'CHATS_IMPORT_GONE' }));
  const part = Buffer.alloc(480_000).toString('base64');
  const { uploadId } = chats.importPart({ part });
  expect(() => { for (let count = 0; count < 140; count += 1) chats.importPart({ part, uploadId }); }).toThrow(expect.objectContaining({ code: 'CHATS_FILE_TOO_LARGE' }));
  expect(() => chats.importPart({ part, uploadId })).toThrow(expect.objectContaining({ code: 'CHATS_IMPORT_GONE' }));
  expect(chats.list({ offset: 0, limit: 10 }).total).toBe(0);
});
