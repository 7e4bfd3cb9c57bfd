import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { LEAF_BYTES, treeOfFile } from '../../src-main/store/index.ts';
import { HubServer } from '../../src-main/store/hub/testing/hub-server.ts';
import { cli, startCli } from '../support/cli.ts';
import { generateModel, splitModel } from '../support/models/index.ts';

let hub: HubServer;
let folder = '';
let home = '';
let bytes: Buffer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-hub-e2e-'));
  const whole = join(folder, 'whole.gguf');
  await generateModel({ path: whole, architecture: 'llama', type: 'Q8_0', targetBytes: 12 * LEAF_BYTES, layers: 4 });
  bytes = await readFile(whole);
  const parts = await splitModel(whole, { stem: join(folder, 'm'), parts: 2 });
  hub = await HubServer.start();
  hub.repos.set('me/one', { files: { 'one-Q8_0.gguf': bytes, 'one-Q4_0.gguf': bytes }, license: 'mit', token: 'tell-nobody' });
  hub.repos.set('me/parts', { files: Object.fromEntries(await Promise.all(parts.map(async (path) => [basename(path), await readFile(path)] as const))) });
});
beforeEach(async () => {
  home = await mkdtemp(join(folder, 'home-'));
  hub.spoil = () => undefined;
});
afterAll(async () => {
  await hub.stop();
  await rm(folder, { recursive: true, force: true });
});

const env = (): Record<string, string> => ({ OMNINODE_HOME: home, OMNINODE_THREADS: '1', OMNINODE_HUB_URL: hub.url, OMNINODE_HUB_TOKEN: 'tell-nobody', OMNINODE_LOG: 'debug' });
const run = async (...args: string[]) => {
  const result = await cli(['model', ...args], env());
  expect(result.stdout + result.stderr).not.toContain('tell-nobody');
  return { ...result, lines: args.includes('--json') ? result.stdout.trim().split('\n').map((line) => JSON.parse(line)) : [] };
};

it('adds a model by its variant, tells what it does, and lists it in the store', async () => {
  const { code, lines } = await run('add', 'hf:me/one:Q8_0', '--json');
  expect(code).toBe(0);
  const path = join(home, 'models', 'hf', 'me', 'one', 'one-Q8_0.gguf');
  expect((await readFile(path)).equals(bytes)).toBe(true);
  const { cid } = await treeOfFile(path);
  expect(lines[0]).toMatchObject({ event: 'outlook', facts: { architecture: 'llama', layers: 4, canSplit: true }, verdict: { fits: 'here' } });
  expect(lines.findLast(({ phase }) => phase === 'checking')).toMatchObject({ event: 'progress', bytesDone: bytes.length });
  // A shard for each layer, and the vocabulary: the ones that `shard` would cut.
  expect(lines.filter(({ event }) => event === 'piece').map(({ layers }) => layers?.first ?? 'vocabulary').toSorted()).toEqual([0, 1, 2, 3, 'vocabulary']);
  const { manifestCid } = lines.at(-1);
  expect(JSON.parse((await cli(['shard', join(folder, 'whole.gguf'), '--out', join(folder, 'cut'), '--json'], { ...env(), OMNINODE_HOME: join(folder, 'elsewhere') })).stdout).manifestCid).toBe(manifestCid);
  expect((await run('ls', '--json')).lines[0].models).toMatchObject([{ cid: manifestCid, heldBytes: expect.any(Number) }]);
  expect(lines.at(-1)).toMatchObject({ event: 'added', path, added: [{ path, cid, resumedBytes: 0, origin: `hf:me/one@${'c'.repeat(40)}/one-Q8_0.gguf` }] });
  const listed = { name: 'one-Q8_0', reference: 'hf:me/one/one-Q8_0.gguf', path, cid, sizeBytes: bytes.length, files: 1, isPinned: true, isOwned: true, isWhole: true };
  expect((await run('ls', '--json')).lines[0].files).toMatchObject([listed]);
  expect((await run('show', 'one-Q8', '--json')).lines[0]).toMatchObject(listed);
  expect(JSON.parse((await cli(['store', 'verify', '--model', 'one-Q8', '--json'], env())).stdout)).toMatchObject({ files: 1, bytes: bytes.length, damaged: [] });
  expect(JSON.parse((await cli(['store', 'gc', '--to', '0', '--json'], env())).stdout).usedBytes).toBe(bytes.length);
  expect((await run('unpin', 'hf:me/one:Q8_0', '--json')).lines[0]).toMatchObject({ ...listed, isPinned: false });
  expect(JSON.parse((await cli(['store', 'gc', '--to', '0', '--json'], env())).stdout).usedBytes).toBe(0);
  expect((await run('ls', '--json')).lines[0].files).toEqual([]);
}, 240_000);

it('goes on after kill -9 and after Ctrl-C', async () => {
  // The first long answer falls silent in its fifth leaf: what is under way is broken off.
  hub.spoil = ({ range }) => (Number(range.split('-')[1]) < LEAF_BYTES ? undefined : { kind: 'stall', afterBytes: 4.5 * LEAF_BYTES });
  const killed = startCli(['model', 'add', 'hf:me/one:Q8_0', '--json', '--connections', '1'], env());
  await killed.until(/"phase":"downloading","bytesDone":[4-9]\d{6}/);
  killed.child.kill('SIGKILL');
  await killed.done;
  const cancelled = startCli(['model', 'add', 'hf:me/one:Q8_0', '--json', '--connections', '1'], env());
  await cancelled.until(/"phase":"downloading"/);
  cancelled.child.kill('SIGINT');
  const result = await cancelled.done;
  expect([result.code, result.stdout.trim().split('\n').at(-1)]).toEqual([130, expect.stringContaining('HUB_CANCELLED')]);
  expect(await readdir(join(home, 'models', 'hf', 'me', 'one'))).not.toContain('one-Q8_0.gguf');
  hub.spoil = () => undefined;
  const { lines } = await run('add', 'hf:me/one:Q8_0', '--json');
  expect(lines.at(-1).added[0].resumedBytes).toBeGreaterThanOrEqual(3 * LEAF_BYTES);
  expect((await readFile(lines.at(-1).path)).equals(bytes)).toBe(true);
});

it('adds a model in parts, runs it by its name or any part, cut over nodes or whole, and removes it', async () => {
  const { lines } = await run('add', 'hf:me/parts', '--json');
  const { path, added } = lines.at(-1);
  expect(added).toHaveLength(2);
  const ask = async (model: string, ...command: string[]) => JSON.parse((await cli([...command, '--model', model, '--greedy', '--max-tokens', '6', '--json'], env())).stdout).tokenIds;
  for (const command of [['pipeline-infer', 'a b c', '--cluster', '2'], ['infer', 'a b c']]) {
    const tokens = await ask(added[1].path, ...command);
    expect(tokens.length).toBeGreaterThan(0);
    expect(await ask(command[0] === 'infer' ? 'hf:me/parts' : 'm', ...command)).toEqual(tokens);
    expect(tokens).toEqual(await ask(join(folder, 'whole.gguf'), ...command));
  }
  expect((await run('rm', basename(path), '--json')).lines[0]).toMatchObject({ freedBytes: added[0].sizeBytes + added[1].sizeBytes });
  // What was cut for the cluster is still there, the description of the file is not.
  const { models, files } = (await run('ls', '--json')).lines[0];
  expect([files, models.length, models.every(({ heldBytes }: { heldBytes: number }) => heldBytes > 0)]).toEqual([[], 2, true]);
  expect(await readdir(join(path, '..'))).toEqual([]);
}, 180_000);

it('looks without downloading', async () => {
  expect((await run('add', 'hf:me/one', '--list', '--json')).lines[0].models).toEqual([
    { source: 'hf:me/one/one-Q8_0.gguf', sizeBytes: bytes.length, files: 1 }, { source: 'hf:me/one/one-Q4_0.gguf', sizeBytes: bytes.length, files: 1 },
  ]);
  const { stdout } = await run('add', 'hf:me/one:Q8_0', '--dry-run', '--context', '1000000');
  expect(stdout).toMatch(/^one-Q8_0: llama, Q8_0, 4 layers, 1\d MB.*\n {2}with 1000000 tokens of context it needs \d+\.\d GB: you have /);
  await expect(readdir(join(home, 'models'))).rejects.toMatchObject({ code: 'ENOENT' });
});

it('tells what is wrong, and whose fault it is', async () => {
  expect((await run('add', 'hf:me/one', '--json')).lines.at(-1).error).toMatchObject({ code: 'HUB_CHOOSE_FILE', meta: { choices: ['one-Q8_0', 'one-Q4_0'] } });
  expect(await run('add', 'hf:me/none', '--json')).toMatchObject({ code: 2, lines: [{ error: { code: 'HUB_NOT_ALLOWED' } }] });
  expect(await run('add', 'hf:nothing', '--json')).toMatchObject({ code: 2, lines: [{ error: { code: 'HUB_BAD_REFERENCE' } }] });
});

it('searches the hub, and the list that came with it where there is none', async () => {
  expect((await run('search', 'one', '--json')).lines[0].hub).toEqual([{ repo: 'me/one', downloads: 1000, likes: 5, license: 'mit', isGated: true }]);
  const { lines: [offline] } = await run('search', 'gpt-oss', '--offline', '--json');
  expect(offline.hub).toEqual([]);
  expect(offline.known.map(({ source }: { source: string }) => source)).toContain('hf:ggml-org/gpt-oss-20b-GGUF/gpt-oss-20b-MXFP4.gguf');
  const dead = await cli(['model', 'search', 'gpt-oss'], { ...env(), OMNINODE_HUB_URL: 'http://127.0.0.1:1' });
  expect(dead.code).toBe(0);
  expect(dead.stdout).toMatch(/^The hub: .*cannot be reached[^]*hf:ggml-org\/gpt-oss-20b-GGUF/);
});

it('lists a file that is here without copying it', async () => {
  const path = join(home, 'mine.gguf');
  await writeFile(path, bytes);
  const { lines } = await run('add', path, '--json');
  expect(lines.at(-1)).toMatchObject({ event: 'added', path, added: [{ path }] });
  expect(await readdir(home)).not.toContain('models');
  expect((await run('ls', '--json')).lines[0].files).toMatchObject([{ name: 'mine', path, isOwned: false }]);
  expect((await run('rm', 'mine', '--json')).lines[0]).toMatchObject({ freedBytes: 0 });
  expect((await readFile(path)).equals(bytes)).toBe(true);
});
