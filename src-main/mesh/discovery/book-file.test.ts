import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { asPeerId, createLogger, silentLogger, systemClock } from '../../base/index.ts';
import { AddressBook } from './address-book.ts';
import { BookFile } from './book-file.ts';
import { MAX_ADDRESSES_PER_PEER, MAX_BOOK_BYTES, MAX_MET_PEERS, MAX_PROVEN_PEERS } from './options.ts';

const WRITER = fileURLToPath(new URL('../testing/book-writer.ts', import.meta.url));
const peer = asPeerId('12D3KooWa');
const address = `/ip4/10.0.0.1/tcp/4001/p2p/${peer}`;
let folder = '';
let path = '';
let log: string[] = [];
beforeEach(async () => {
  log = [];
  folder = await mkdtemp(join(tmpdir(), 'omninode-book-'));
  path = join(folder, 'peers.json');
});
afterEach(() => rm(folder, { recursive: true }));

function open(): { book: AddressBook; file: BookFile } {
  const logger = createLogger('warn', { write: (line: string) => void log.push(line) });
  const book: AddressBook = new AddressBook(systemClock, () => file.touch());
  const file = new BookFile(path, { logger, content: () => book.content() });
  return { book, file };
}

test('a book is kept for its owner alone, and comes back', async () => {
  const { book, file } = open();
  expect(await file.load()).toEqual({ version: 1, peers: [] });
  book.reached(peer, address);
  await file.flush();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await open().file.load()).toEqual(book.content());
  expect(log).toEqual([]);
});

const good = { peer, addresses: [{ address, proof: 'dialled', failures: 0 }], seenAt: 5, failures: 0 };
test.each([
  ['empty', ''], ['half', '{"version":1,"peers":[{"peer":"12D3'], ['binary', '\u0000\u0001\u0002'], ['of a later version', '{"version":2,"peers":[]}'], ['another thing', '[]'],
  ['with an address of another peer', JSON.stringify({ version: 1, peers: [{ ...good, peer: 'other' }] })], ['with a field that nobody knows', JSON.stringify({ version: 1, peers: [{ ...good, more: 1 }] })],
  ['with a time that is none', JSON.stringify({ version: 1, peers: [{ ...good, seenAt: -1 }] })], ['too large', `{"version":1,"peers":[]}${' '.repeat(MAX_BOOK_BYTES)}`],
])('a file that is %s is set aside with a line, and a new one begun', async (_what, text) => {
  await writeFile(path, text);
  const { book, file } = open();
  expect(await file.load()).toEqual({ version: 1, peers: [] });
  expect(log).toHaveLength(1);
  expect(log[0]).toContain('set aside');
  expect(await readFile(`${path}.damaged`, 'utf8')).toBe(text);
  book.reached(peer, address);
  await file.flush();
  expect(await open().file.load()).toEqual(book.content());
});

test('a folder that cannot be written costs the memory and one line, not the node', async () => {
  await mkdir(path);
  const { book, file } = open();
  await file.load();
  await rm(`${path}.damaged`, { recursive: true });
  await mkdir(join(path, 'in-the-way'), { recursive: true });
  log = [];
  for (const _ of [1, 2, 3]) {
    book.reached(peer, address);
    await file.flush();
  }
  expect(log).toHaveLength(1);
  expect(log[0]).toContain('cannot be kept');
});

test('the fullest book there can be fits into the file', async () => {
  const { book, file } = open();
  const long = (name: string, port: number): string => `/dns4/${'x'.repeat(150)}/tcp/${port}/p2p/${name}`;
  for (let i = 0; i < MAX_PROVEN_PEERS + MAX_MET_PEERS; i += 1) {
    const name = asPeerId(`12D3KooW${String(i).padStart(44, '0')}`);
    for (let port = 0; port < MAX_ADDRESSES_PER_PEER; port += 1) {
      if (i < MAX_PROVEN_PEERS) book.reached(name, long(name, 10_000 + port));
      else book.told(name, [{ address: long(name, 10_000 + port), proof: 'vouched' }]);
    }
    book.seen(name, 123.456_789_012);
  }
  await file.flush();
  expect((await stat(path)).size).toBeLessThan(MAX_BOOK_BYTES);
  expect((await open().file.load()).peers).toHaveLength(MAX_PROVEN_PEERS + MAX_MET_PEERS);
});

test('what a killed process left half written is removed later, and nothing else', async () => {
  for (const name of ['peers.json.0a1b2c3d.partial', 'peers.json.ffffffff.partial', 'other.json.0a1b2c3d.partial']) await writeFile(join(folder, name), 'x');
  await utimes(join(folder, 'peers.json.0a1b2c3d.partial'), 1, 1);
  await utimes(join(folder, 'other.json.0a1b2c3d.partial'), 1, 1);
  await open().file.load();
  expect((await readdir(folder)).sort()).toEqual(['other.json.0a1b2c3d.partial', 'peers.json.ffffffff.partial']);
});

test('kill -9 at any moment of a write leaves a whole book, and loses at most what was being written', async () => {
  let before = 0;
  for (let round = 0; round < 12; round += 1) {
    const child = spawn(process.execPath, [WRITER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let written = 0;
    const enough = Promise.withResolvers<void>();
    createInterface(child.stdout).on('line', (line) => {
      written = Number(line);
      if (written >= before + 3) enough.resolve();
    });
    await enough.promise;
    // Somewhere in the writes that follow.
    const spun = performance.now() + round * 0.4;
    while (performance.now() < spun) continue;
    child.kill('SIGKILL');
    await once(child, 'close');
    const file = new BookFile(path, { logger: silentLogger, content: () => ({ version: 1, peers: [] }) });
    const { peers } = await file.load();
    expect(peers.length).toBeGreaterThanOrEqual(written);
    before = peers.length;
  }
  expect(await readdir(folder)).not.toContain('peers.json.damaged');
});

test.skipIf(process.platform === 'win32' || process.getuid?.() === 0)('a file that may not be read is set aside too', async () => {
  await writeFile(path, '{}');
  await chmod(path, 0);
  expect(await open().file.load()).toEqual({ version: 1, peers: [] });
  expect(log).toHaveLength(1);
});
