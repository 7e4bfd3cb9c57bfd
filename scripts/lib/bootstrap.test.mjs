import { once } from 'node:events';
import { createServer } from 'node:http';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ensureEmbeddings } from './embeddings.mjs';
import { HEAP_FLAGS } from './heap.mjs';
import { locked } from './lock.mjs';
import { isRecent } from './node.mjs';
import { capture } from './run.mjs';
import { fingerprint, isStamped, stamp } from './stamp.mjs';
import { why } from './why.mjs';

const folder = () => mkdtempSync(join(tmpdir(), 'omninode-bootstrap-'));

it.each([['20.20.2', false], ['22.18.0', false], ['22.19.0', true], ['24.0.0', true]])('Node %s is recent enough: %s', (version, expected) => {
  expect(isRecent(version)).toBe(expected);
});

it.each([
  ['npm error code ENOTFOUND', /registry cannot be reached/],
  ['write ENOSPC', /disk is full/],
  ['npm error code EINTEGRITY', /cache clean/],
  ['npm error code E404', /does not serve/],
  ['a\nerror: no C++ compiler was found: install g++.\nb', /install g\+\+/],
  ['', /no reason/],
])('explains %j in one sentence', (output, expected) => {
  const sentence = why('It failed', output);
  expect(sentence).toMatch(expected);
  expect(sentence).not.toContain('\n');
});

it('keeps the room for young objects small, however much of them survives', async () => {
  const program = `
    const kept = [];
    for (let i = 0; i < 4e6; i++) kept[i % 3e5] = { i, own: [i] };
    console.log(require('node:v8').getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space').space_size);`;
  const { code, output } = await capture(process.execPath, [...HEAP_FLAGS, '-e', program]);
  expect({ code, isSmall: Number(output) <= 32 * 1024 * 1024, output }).toMatchObject({ code: 0, isSmall: true });
});

describe('stamps', () => {
  it('change with content and not with time', () => {
    const dir = folder();
    const file = join(dir, 'a');
    writeFileSync(file, 'one');
    const first = fingerprint([dir]);
    writeFileSync(file, 'one');
    expect(fingerprint([dir])).toBe(first);
    writeFileSync(file, 'two');
    expect(fingerprint([dir])).not.toBe(first);
  });

  it('hold only once written whole', () => {
    const file = join(folder(), 'deep', 'stamp');
    expect(isStamped(file, 'x')).toBe(false);
    stamp(file, 'x');
    expect(isStamped(file, 'x')).toBe(true);
    expect(existsSync(`${file}.partial`)).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe('x');
  });
});

describe('locked', () => {
  it('lets one in at a time and frees the lock on failure', async () => {
    const root = folder();
    const log = [];
    const gate = Promise.withResolvers();
    const first = locked(root, async () => { log.push('in'); await gate.promise; log.push('out'); });
    const second = locked(root, async () => { log.push('second'); throw new Error('fails'); });
    gate.resolve();
    await first;
    await expect(second).rejects.toThrow('fails');
    await locked(root, async () => log.push('third'));
    expect(log).toEqual(['in', 'out', 'second', 'third']);
    expect(readdirSync(join(root, '.runtime'))).toEqual([]);
  });

  it('is taken over from who died with it, by one of many', async () => {
    const root = folder();
    const program = `
      const { locked } = await import(${JSON.stringify(join(import.meta.dirname, 'lock.mjs'))});
      const { appendFileSync } = await import('node:fs');
      await locked(${JSON.stringify(root)}, async () => {
        appendFileSync(${JSON.stringify(join(root, 'log'))}, 'in\\n');
        if (process.argv[1] === 'die') process.kill(process.pid, 'SIGKILL');
        await new Promise(setImmediate);
        appendFileSync(${JSON.stringify(join(root, 'log'))}, 'out\\n');
      });`;
    const start = (word) => capture(process.execPath, ['--input-type=module', '-e', program, word]);
    for (let round = 0; round < 3; round++) {
      rmSync(join(root, 'log'), { force: true });
      await start('die');
      expect((await Promise.all(Array.from({ length: 4 }, () => start('live')))).map(({ code }) => code)).toEqual([0, 0, 0, 0]);
      expect(readFileSync(join(root, 'log'), 'utf8')).toBe(`in\n${'in\nout\n'.repeat(4)}`);
    }
  });
});

describe('what embeddings run on', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is not taken for installed when the registry cannot be reached, and the reason is one sentence', async () => {
    const root = folder();
    cpSync(join(import.meta.dirname, '..', 'embeddings'), join(root, 'scripts', 'embeddings'), { recursive: true });
    vi.stubEnv('npm_config_registry', 'http://127.0.0.1:1/');
    vi.stubEnv('npm_config_cache', join(root, 'cache'));
    vi.stubEnv('npm_config_fetch_retries', '0');
    await expect(ensureEmbeddings(root, process.execPath)).rejects.toThrow(/^What embeddings run on could not be installed: the npm registry cannot be reached/);
    expect(existsSync(join(root, '.runtime', 'embeddings', '.stamp'))).toBe(false);
    expect(existsSync(join(root, '.runtime', 'embeddings-lock'))).toBe(false);
  });

  it('leaves no npm behind when its installation is cancelled', async () => {
    const root = folder();
    cpSync(join(import.meta.dirname, '..', 'embeddings'), join(root, 'scripts', 'embeddings'), { recursive: true });
    const controller = new AbortController();
    const server = createServer(() => controller.abort()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    vi.stubEnv('npm_config_registry', `http://127.0.0.1:${server.address().port}/`);
    vi.stubEnv('npm_config_cache', join(root, 'cache'));
    await expect(ensureEmbeddings(root, process.execPath, controller.signal)).rejects.toThrow(/could not be installed/);
    // Ends once the last connection has: npm's.
    await new Promise((resolve) => { server.close(resolve); });
    expect(existsSync(join(root, '.runtime', 'embeddings', '.stamp'))).toBe(false);
  });

  it('has a lock of its own, so that a start does not wait for it', async () => {
    const root = folder();
    await locked(root, () => locked(root, async () => expect(existsSync(join(root, '.runtime', 'lock'))).toBe(true)), 'embeddings-lock');
  });
});

it('captures a command that does not exist as a failure, not a crash', async () => {
  expect(await capture('no-such-command-omninode', [])).toMatchObject({ code: 127 });
});
