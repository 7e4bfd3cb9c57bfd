import { afterEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../src-main/base/index.ts';
import { parsePush, reduce, type HostConnection, type HostState, type PipelineSample, type Push } from '../../src-preload/bridge/index.ts';
import { FINISH, INVITATION, JOIN_PLAN, MEMBERS, ScriptedHost, STAGES, STANDING, untilStopped } from '../support/scripted-host.ts';
import { ANSWER, PLACEMENT } from '../support/scripted-pipeline.ts';

export interface BridgeSubject {
  connect(): Promise<HostConnection>;
  /** Sends what a typed client would not. */
  callRaw(name: string, input: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** What every transport of the bridge must do. */
export function bridgeCompliance(name: string, open: (host: ScriptedHost) => Promise<BridgeSubject>): void {
  describe(`bridge over ${name}`, () => {
    let subject: BridgeSubject | undefined;
    const begin = async (host = new ScriptedHost()) => {
      subject = await open(host);
      return { host, subject, connection: await subject.connect() };
    };
    afterEach(async () => {
      await subject?.stop();
      subject = undefined;
    });

    it('tells about the host', async () => {
      const { host, connection } = await begin();
      expect(await connection.call('host.info', {})).toEqual(host.info());
      const { state } = await connection.call('state.snapshot', {});
      expect(state).toMatchObject({ status: { kind: 'ready' }, stages: STAGES, answers: {} });
    });

    it('pushes nothing before a subscription, then numbers without a gap', async () => {
      const { host, connection } = await begin();
      const seen = record(connection);
      host.setStatus({ kind: 'starting' });
      await connection.call('host.info', {});
      expect(seen.pushes).toEqual([]);
      const { seq } = await connection.call('state.subscribe', {});
      await ask(connection, 'one two three');
      await seen.until((push) => push.event === 'chat.done');
      expect(seen.pushes.map((push) => push.seq)).toEqual(seen.pushes.map((_, index) => seq + 1 + index));
    });

    it('tells of models, follows their downloads, and takes nothing beside the contract', async () => {
      const { host, subject: { callRaw }, connection } = await begin();
      expect((await connection.call('models.list', {})).models.map(({ id }) => id)).toEqual(host.models.models.map(({ id }) => id));
      const seen = record(connection);
      await connection.call('state.subscribe', {});
      const { id } = await connection.call('models.download', { source: 'hf:me/one/one-Q8_0.gguf' });
      await seen.until((push) => push.event === 'models.changed' && push.data.downloads.some((row) => row.id === id));
      for (const [name, input] of [
        ['models.download', { source: '/etc/passwd' }], ['models.download', { source: 'hf:me/one', force: true }], ['models.addPath', { path: '/etc/passwd' }], ['models.files', { lookup: 'a', repo: '../x' }],
        ['models.upload', { name: 'x.gguf', sizeBytes: 1e15 }], ['models.use', { id: 'omni-guide', running: 'kill' }], ['models.throttle', { bytesPerSecond: 1 }],
      ] as const) expect(await callRaw(name, input), name).toMatchObject({ ok: false, error: { code: 'API_BAD_REQUEST' } });
    });

    it('streams an answer; snapshot and pushes give the state of the host', async () => {
      const { connection } = await begin();
      const seen = record(connection);
      const { state } = await connection.call('state.subscribe', {});
      const { id, answerId } = await ask(connection, 'one two three');
      await seen.until((push) => push.event === 'chat.done');
      const mine = seen.pushes.reduce<HostState>(reduce, state);
      expect(mine.answers[answerId]).toEqual({ conversationId: id, text: 'one two three', finish: FINISH });
      expect((await connection.call('state.snapshot', {})).state).toEqual(mine);
    });

    it('tells what the pipeline does, the newest value at a time', async () => {
      const { host, connection } = await begin();
      const seen = record(connection);
      await connection.call('state.subscribe', {});
      host.setActivity({ answering: 1, waiting: 2 });
      host.setActivity({ answering: 1, waiting: 1, ttftMs: 120, itlMs: { p50: 8.2, p99: 12 } });
      await seen.until((push) => push.event === 'pipeline.activity' && push.data.waiting === 1);
      expect((await connection.call('state.snapshot', {})).state.activity).toEqual({ answering: 1, waiting: 1, ttftMs: 120, itlMs: { p50: 8.2, p99: 12 } });
    });

    it('tells who is there and what each can do, and who left', async () => {
      const { host, connection } = await begin();
      const seen = record(connection);
      expect((await connection.call('state.subscribe', {})).state.members).toEqual([]);
      host.setMembers(MEMBERS.slice(0, 1));
      host.setMembers(MEMBERS);
      await seen.until((push) => push.event === 'members.changed' && push.data.length === MEMBERS.length);
      expect((await connection.call('state.snapshot', {})).state.members).toEqual(MEMBERS);
      host.setMembers(MEMBERS.slice(1));
      expect((await seen.until((push) => push.event === 'members.changed' && push.data[0]?.peerId === MEMBERS[1]?.peerId)).data).toEqual(MEMBERS.slice(1));
    });

    it('tells how the node stands in the mesh', async () => {
      const { host, connection } = await begin();
      const seen = record(connection);
      expect((await connection.call('state.subscribe', {})).state.standing).toEqual(host.standing());
      host.setStanding(STANDING);
      await seen.until((push) => push.event === 'standing.changed');
      expect((await connection.call('state.snapshot', {})).state.standing).toEqual(STANDING);
    });

    it('shows every client the same, and none after unsubscribe', async () => {
      const { host, connection, subject: opened } = await begin();
      const other = await opened.connect();
      const [first, second] = [record(connection), record(other)];
      await Promise.all([connection.call('state.subscribe', {}), other.call('state.subscribe', {})]);
      host.setStatus({ kind: 'loading', model: 'm', progress: 0.5 });
      await Promise.all([first.until(isStatus), second.until(isStatus)]);
      expect(second.pushes).toEqual(first.pushes);
      await other.call('state.unsubscribe', {});
      const before = second.pushes.length;
      host.setStatus({ kind: 'ready' });
      await first.until((push) => push.event === 'host.status' && push.data.kind === 'ready');
      await other.call('host.info', {});
      expect(second.pushes).toHaveLength(before);
    });

    it('stops an answer, once', async () => {
      const host = new ScriptedHost();
      host.script = untilStopped('endless');
      const { connection } = await begin(host);
      const seen = record(connection);
      await connection.call('state.subscribe', {});
      const { id, answerId } = await ask(connection, 'go');
      await seen.until((push) => push.event === 'chat.delta');
      expect(await connection.call('conversations.stop', { id })).toEqual({ isStopped: true });
      const done = await seen.until((push) => push.event === 'chat.done');
      expect(done.data).toMatchObject({ requestId: answerId, finish: { finishReason: 'cancelled' } });
      expect(await connection.call('conversations.stop', { id })).toEqual({ isStopped: false });
    });

    it('carries a coded failure whole, and hides an unknown one', async () => {
      const host = new ScriptedHost();
      const failures = [new CodedError({ code: 'X_LOST', message: 'a peer is gone', next: 'Ask again.', meta: { peer: 'p', odd: () => 1 }, retryable: true, fault: 'peer' }), new Error('secret path')];
      host.script = () => { throw failures.shift(); };
      const { connection } = await begin(host);
      const seen = record(connection);
      await connection.call('state.subscribe', {});
      for (const _ of [1, 2]) await ask(connection, 'go');
      await seen.until(() => seen.pushes.filter((push) => push.event === 'chat.error').length === 2);
      const errors = seen.pushes.flatMap((push) => (push.event === 'chat.error' ? [push.data.error] : []));
      expect(errors[0]).toEqual({ code: 'X_LOST', message: 'a peer is gone', next: 'Ask again.', meta: { peer: 'p' }, retryable: true, fault: 'peer' });
      expect(errors[1]?.code).toBe('API_INTERNAL');
      expect(JSON.stringify(errors[1])).not.toContain('secret');
    });

    it('refuses what the contract does not allow, and goes on', async () => {
      const { connection, subject: opened } = await begin();
      expect(await opened.callRaw('no.such', {})).toMatchObject({ ok: false, error: { code: 'API_UNSUPPORTED' } });
      expect(await opened.callRaw('constructor', {})).toMatchObject({ ok: false, error: { code: 'API_UNSUPPORTED' } });
      expect(await opened.callRaw('conversations.send', { id: 'c' })).toMatchObject({ ok: false, error: { code: 'API_BAD_REQUEST' } });
      expect(await opened.callRaw('host.info', { extra: 1 })).toMatchObject({ ok: false, error: { code: 'API_BAD_REQUEST' } });
      expect(await opened.callRaw('conversations.send', { id: 'c', text: 'x'.repeat(32_001) })).toMatchObject({ ok: false, error: { code: 'API_BAD_REQUEST' } });
      await expect(connection.call('host.info', {})).resolves.toBeDefined();
    });

    it('makes an invitation for who asks, and tells nobody else of it', async () => {
      const { host, connection } = await begin();
      const seen = record(connection);
      await connection.call('state.subscribe', {});
      expect(await connection.call('invite.create', { ttlMs: 3_600_000 })).toEqual({ ...INVITATION, expiresAtMs: INVITATION.expiresAtMs + 3_600_000 });
      expect(await connection.call('invite.create', {})).toMatchObject({ expiresAtMs: INVITATION.expiresAtMs + 86_400_000 });
      host.setStatus({ kind: 'ready' });
      await seen.until(isStatus);
      expect(JSON.stringify([seen.pushes, await connection.call('state.snapshot', {})])).not.toContain(INVITATION.link);
    });

    it('says what a link would do, then joins by it; a bad one is a coded failure without the link', async () => {
      const { host, connection } = await begin();
      const { link } = INVITATION;
      expect(await connection.call('invite.check', { link })).toEqual(JOIN_PLAN);
      expect(host.joined).toEqual([]);
      expect(await connection.call('invite.join', { link })).toEqual(JOIN_PLAN);
      expect(host.joined).toEqual([link]);
      const other = `${link}other`;
      const failure = await connection.call('invite.join', { link: other }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ wire: { code: 'INVITE_EXPIRED', fault: 'user', next: 'Ask for a new one.' } });
      expect(JSON.stringify((failure as { wire: unknown }).wire)).not.toContain(link);
    });

    it('refuses an invitation for too long, or a link that is too long, and hosts that invite nobody', async () => {
      const host = new ScriptedHost();
      const { connection, subject: opened } = await begin(host);
      for (const ttlMs of [0, 59_999, 1.5e6 + 0.5, 31 * 86_400_000]) expect(await opened.callRaw('invite.create', { ttlMs })).toMatchObject({ ok: false, error: { code: 'API_BAD_REQUEST' } });
      for (const name of ['invite.check', 'invite.join']) for (const link of ['', 'x'.repeat(4097), 7]) expect(await opened.callRaw(name, { link })).toMatchObject({ ok: false, error: { code: 'API_BAD_REQUEST' } });
      await subject?.stop();
      const alone = new ScriptedHost();
      Object.assign(alone, { invites: undefined });
      const { connection: other } = await begin(alone);
      await expect(other.call('invite.create', {})).rejects.toMatchObject({ wire: { code: 'API_UNSUPPORTED' } });
      connection.close();
    });

    it('keeps conversations, streams their answers to every client, and says what changed', async () => {
      const { connection, subject: opened } = await begin();
      const other = await opened.connect();
      const [first, second] = [record(connection), record(other)];
      await Promise.all([connection.call('state.subscribe', {}), other.call('state.subscribe', {})]);
      const { id } = await connection.call('conversations.create', {});
      const { answerId } = await connection.call('conversations.send', { id, text: 'one two three' });
      for (const seen of [first, second]) expect((await seen.until((push) => push.event === 'chat.done')).data).toMatchObject({ requestId: answerId, finish: FINISH });
      expect(second.pushes).toEqual(first.pushes);
      const page = await other.call('conversations.open', { id });
      expect(page).toMatchObject({ conversation: { title: 'one two three' }, total: 2, offset: 0, messages: [{ role: 'user', content: 'one two three' }, { id: answerId, role: 'assistant', content: 'one two three', state: 'done', finish: FINISH }] });
      const before = (await connection.call('state.snapshot', {})).state.conversations?.revision ?? 0;
      await other.call('conversations.update', { id, change: { title: 'Renamed', folder: 'Work', isPinned: true } });
      expect((await first.until((push) => push.event === 'conversations.changed' && push.data.revision > before)).data).toEqual({ revision: before + 1, conversationId: id });
      expect(await connection.call('conversations.list', {})).toMatchObject({ total: 1, folders: ['Work'], conversations: [{ id, title: 'Renamed', folder: 'Work', isPinned: true }] });
      expect((await connection.call('conversations.search', { text: 'two' })).hits).toMatchObject([{ conversationId: id }, { conversationId: id }]);
    });

    it('goes on with an answer that no client waits for, and stops it when asked', async () => {
      const host = new ScriptedHost();
      host.script = untilStopped('begun');
      const { connection, subject: opened } = await begin(host);
      const { id } = await connection.call('conversations.create', {});
      const { answerId } = await connection.call('conversations.send', { id, text: 'go' });
      connection.close();
      const later = await opened.connect();
      const seen = record(later);
      expect((await later.call('state.subscribe', {})).state.answers[answerId]).toEqual({ conversationId: id, text: 'begun' });
      expect(await later.call('conversations.stop', { id })).toEqual({ isStopped: true });
      await seen.until((push) => push.event === 'chat.done');
      expect((await later.call('conversations.open', { id })).messages[1]).toMatchObject({ content: 'begun', finish: { finishReason: 'cancelled' } });
    });

    it('branches by editing, regenerating and choosing; exports and imports; keeps presets', async () => {
      const { connection } = await begin();
      const seen = record(connection);
      await connection.call('state.subscribe', {});
      const { id } = await connection.call('conversations.create', {});
      const done = async ({ answerId }: { answerId: string }) => {
        await seen.until((push) => push.event === 'chat.done' && push.data.requestId === answerId);
        return answerId;
      };
      const first = await done(await connection.call('conversations.send', { id, text: 'first' }));
      const again = await done(await connection.call('conversations.regenerate', { id, messageId: first }));
      const { messages } = await connection.call('conversations.open', { id });
      expect(messages[1]?.variants).toEqual([first, again]);
      await done(await connection.call('conversations.send', { id, text: 'edited', edits: messages[0]?.id ?? '' }));
      expect(await connection.call('conversations.choose', { id, messageId: first })).toEqual({ index: 1 });
      const json = await connection.call('conversations.export', { id, format: 'json' });
      const copy = await connection.call('conversations.import', { text: json.text });
      expect((await connection.call('conversations.open', { id: copy.id })).messages.map(({ content, variants }) => [content, variants.length])).toEqual([['first', 2], ['first', 2]]);
      const { uploadId } = await connection.call('conversations.importPart', { part: Buffer.from(json.text.slice(0, 40)).toString('base64') });
      await connection.call('conversations.importPart', { part: Buffer.from(json.text.slice(40)).toString('base64'), uploadId });
      expect((await connection.call('conversations.importParts', { uploadId })).title).toBe(copy.title);
      await expect(connection.call('conversations.importParts', { uploadId })).rejects.toMatchObject({ wire: { code: 'CHATS_IMPORT_GONE' } });
      await expect(connection.call('conversations.import', { text: '{' })).rejects.toMatchObject({ wire: { code: 'CHATS_BAD_FILE', fault: 'user' } });
      await connection.call('conversations.delete', { id });
      await expect(connection.call('conversations.open', { id })).rejects.toMatchObject({ wire: { code: 'CHATS_NOT_FOUND' } });
      await connection.call('presets.save', { name: 'Short', system: 'Be short.', options: {} });
      expect((await connection.call('presets.list', {})).presets).toHaveLength(1);
    });

    it('tells samples of the pipeline while a client watches, and asks the host for what it did', async () => {
      const { host, connection, subject: opened } = await begin();
      const sample = (atMs: number): PipelineSample => ({ atMs, spanMs: 2_000, tokensPerSecond: 40, hostBytes: 1e8 });
      const seen = record(connection);
      await connection.call('state.subscribe', {});
      host.pipeline.sample(sample(2_000));
      await connection.call('pipeline.watch', { isOn: true });
      host.pipeline.sample(sample(4_000));
      expect((await seen.until((push) => push.event === 'pipeline.sampled')).data).toEqual(sample(4_000));
      await connection.call('pipeline.watch', { isOn: false });
      host.pipeline.sample(sample(6_000));
      expect(await connection.call('pipeline.samples', { spanMs: 60_000 })).toEqual({ stepMs: 2_000, samples: [2_000, 4_000, 6_000].map(sample) });
      expect(seen.pushes.filter(({ event }) => event === 'pipeline.sampled')).toHaveLength(1);
      host.pipeline.ended(ANSWER);
      await seen.until((push) => push.event === 'pipeline.answered');
      const { answers, total } = await connection.call('pipeline.history', {});
      expect([total, answers[0]?.id]).toEqual([1, ANSWER.id]);
      expect(await connection.call('pipeline.answer', { id: ANSWER.id })).toEqual(ANSWER);
      await expect(connection.call('pipeline.answer', { id: 7 })).rejects.toMatchObject({ wire: { code: 'HOST_NO_SUCH_ANSWER' } });
      expect(await connection.call('pipeline.plan', {})).toEqual(PLACEMENT);
      await connection.call('pipeline.forget', {});
      expect(await connection.call('pipeline.history', {})).toEqual({ answers: [], total: 0 });
      for (const [name, input] of [['pipeline.samples', { spanMs: 1 }], ['pipeline.history', { limit: 101 }], ['pipeline.answer', { id: -1 }], ['pipeline.plan', { now: true }], ['pipeline.watch', {}]] as const) {
        expect(await opened.callRaw(name, input)).toMatchObject({ ok: false, error: { code: 'API_BAD_REQUEST' } });
      }
    });

    it('tells nobody samples when the watcher is gone, and has none on hosts without a pipeline', async () => {
      const { host, connection, subject: opened } = await begin();
      const other = await opened.connect();
      const seen = record(other);
      await other.call('state.subscribe', {});
      await connection.call('pipeline.watch', { isOn: true });
      host.pipeline.sample({ atMs: 1, spanMs: 1 });
      await seen.until((push) => push.event === 'pipeline.sampled');
      await connection.call('state.unsubscribe', {});
      host.pipeline.sample({ atMs: 2, spanMs: 1 });
      host.setStatus({ kind: 'ready' });
      await seen.until(isStatus);
      expect(seen.pushes.filter(({ event }) => event === 'pipeline.sampled')).toHaveLength(1);
      await subject?.stop();
      const alone = new ScriptedHost();
      Object.assign(alone, { pipeline: undefined });
      const { connection: none } = await begin(alone);
      await expect(none.call('pipeline.samples', { spanMs: 60_000 })).rejects.toMatchObject({ wire: { code: 'API_UNSUPPORTED' } });
    });

    it('refuses conversations that are too long for the contract, and hosts that keep none', async () => {
      const host = new ScriptedHost();
      Object.assign(host, { conversations: undefined });
      const { connection } = await begin(host);
      await expect(connection.call('conversations.list', {})).rejects.toMatchObject({ wire: { code: 'API_UNSUPPORTED' } });
      await subject?.stop();
      const { subject: full } = await begin();
      for (const [name, input] of [['conversations.import', { text: 'x'.repeat(700_001) }], ['conversations.send', { id: 'c', text: ' ' }], ['conversations.open', { id: 'c', limit: 61 }], ['conversations.update', { id: 'c', change: { title: '' } }]] as const) {
        expect(await full.callRaw(name, input)).toMatchObject({ ok: false, error: { code: 'API_BAD_REQUEST' } });
      }
    });

    it('bounds the answers at a time', async () => {
      const host = new ScriptedHost();
      host.script = untilStopped('x');
      const { connection } = await begin(host);
      for (let index = 0; index < 4; index += 1) await ask(connection, 'go');
      await expect(ask(connection, 'go')).rejects.toMatchObject({ wire: { code: 'CHATS_BUSY', retryable: true } });
    });

    it('fails calls after the end', async () => {
      const { connection } = await begin();
      const closed = new Promise<void>((resolve) => void connection.onClose(resolve));
      connection.close();
      await closed;
      await expect(connection.call('host.info', {})).rejects.toMatchObject({ wire: { code: 'BRIDGE_DISCONNECTED' } });
    });
  });
}

/** In a conversation of its own. */
async function ask(connection: HostConnection, text: string): Promise<{ readonly id: string; readonly answerId: string }> {
  const { id } = await connection.call('conversations.create', {});
  return { id, ...await connection.call('conversations.send', { id, text }) };
}

const isStatus = (push: Push): boolean => push.event === 'host.status';

/** Pushes as they come. */
export function record(connection: HostConnection) {
  const pushes: Push[] = [];
  const waiting = new Set<() => void>();
  connection.onPush((raw) => {
    const push = parsePush(raw);
    if (push === undefined) throw new Error(`not a push: ${JSON.stringify(raw)}`);
    pushes.push(push);
    for (const wake of waiting) wake();
  });
  const until = (accept: (push: Push) => boolean): Promise<Push> => new Promise((resolve) => {
    const look = (): void => {
      const found = pushes.findLast(accept);
      if (found === undefined) return;
      waiting.delete(look);
      resolve(found);
    };
    waiting.add(look);
    look();
  });
  return { pushes, until };
}
