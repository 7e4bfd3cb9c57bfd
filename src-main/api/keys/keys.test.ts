import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ManualClock } from '../../base/index.ts';
import { KEY_LIMITS, KeyRing, listKeys, makeKey, removeKey, type Scope } from './index.ts';

let home: string;
const clock = new ManualClock(1_800_000_000_000);
beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'omninode-keys-')); });
afterEach(() => rm(home, { recursive: true }));

const make = (name: string, scopes: readonly Scope[] = ['chat'], perMinute = 60) => makeKey(home, { name, scopes, perMinute }, clock);
const outcome = (ring: KeyRing, text: string, scope: Scope = 'chat') => ring.check({ authorization: `Bearer ${text}` }, scope).then(({ name }) => name, ({ code }) => code);

it('knows its keys, and what each opens', async () => {
  const ring = new KeyRing(home, clock);
  expect(await outcome(ring, 'omni_0')).toBe('API_WRONG_KEY');
  const [editor, other] = [await make('editor', ['chat', 'chat', 'models']), await make('other')];
  expect(editor).toMatchObject({ name: 'editor', scopes: ['chat', 'models'], createdAtMs: clock.now(), text: expect.stringMatching(/^omni_[0-9a-f]{12}_[\w-]{43}$/) });
  expect([await outcome(ring, editor.text), await outcome(ring, editor.text, 'models'), await outcome(ring, editor.text, 'admin')]).toEqual(['editor', 'editor', 'API_MISSING_SCOPE']);
  // The secret of another key, under this one's name.
  expect(await outcome(ring, `${editor.text.slice(0, 18)}${other.text.slice(18)}`)).toBe('API_WRONG_KEY');
  await expect(ring.check({}, 'chat')).rejects.toMatchObject({ code: 'API_NO_KEY' });
});

it('notices at once what another process changes', async () => {
  const ring = new KeyRing(home, clock);
  const [editor, other] = [await make('editor'), await make('other')];
  expect(await outcome(ring, editor.text)).toBe('editor');
  await removeKey(home, 'editor');
  expect([await outcome(ring, editor.text), await outcome(ring, other.text)]).toEqual(['API_WRONG_KEY', 'other']);
  await rm(join(home, 'api-keys.json'));
  expect(await outcome(ring, other.text)).toBe('API_WRONG_KEY');
});

it('lets each key ask so often, whatever happens to others', async () => {
  const ring = new KeyRing(home, clock);
  const { text } = await make('slow', ['chat'], 2);
  expect([await outcome(ring, text), await outcome(ring, text), await outcome(ring, text)]).toEqual(['slow', 'slow', 'API_KEY_RATE_LIMITED']);
  // Another key changes the file, and not what this one has used up.
  expect(await outcome(ring, (await make('new')).text)).toBe('new');
  expect(await outcome(ring, text)).toBe('API_KEY_RATE_LIMITED');
  clock.advance(30_000);
  expect([await outcome(ring, text), await outcome(ring, text)]).toEqual(['slow', 'API_KEY_RATE_LIMITED']);
});

it('removes a key by its id, or by a name that it alone has', async () => {
  const [first] = [await make('twice'), await make('twice')];
  await expect(removeKey(home, 'twice')).rejects.toMatchObject({ code: 'API_NO_SUCH_KEY', meta: { found: 2 } });
  await expect(removeKey(home, 'none')).rejects.toMatchObject({ code: 'API_NO_SUCH_KEY', meta: { found: 0 } });
  await removeKey(home, first.id);
  expect((await listKeys(home)).map(({ id }) => id)).not.toContain(first.id);
  await removeKey(home, 'twice');
  expect(await listKeys(home)).toEqual([]);
});

it.each(['', '{', '[]', '{"version":1}', '{"version":1,"keys":[{"id":"0"}]}', 'x'.repeat(KEY_LIMITS.maxFileBytes + 1)])('opens nothing with a file that says nothing: %.40s', async (text) => {
  await writeFile(join(home, 'api-keys.json'), text);
  expect(await outcome(new KeyRing(home, clock), `omni_${'0'.repeat(12)}_${'a'.repeat(43)}`)).toBe('API_KEY_LIST_BROKEN');
  // Nor is it written over.
  await expect(make('new')).rejects.toMatchObject({ code: 'API_KEYS_UNREADABLE' });
  expect(await readFile(join(home, 'api-keys.json'), 'utf8')).toBe(text);
});
