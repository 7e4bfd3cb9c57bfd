import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { inviteService } from '../../src-main/host/invite-service.ts';
import { appPaths, createNode, loadSettings, type Node } from '../../src-main/host/index.ts';
import { writeZoneKey } from '../../src-main/mesh/index.ts';
import { newZoneKey } from '../../src-main/mesh/zone/zone-key.ts';
import { startCliSource, type CliResult } from '../support/cli.ts';

let folder = '';
const nodes: Node[] = [];
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-invite-')); });
afterEach(async () => { for (const node of nodes.splice(0).reverse()) await node.stop(); });
afterAll(() => rm(folder, { recursive: true }));

const home = (name: string): string => join(folder, name);
const run = (...args: string[]): Promise<CliResult> => startCliSource([...args]).done;
const read = async (name: string): Promise<Record<string, unknown>> => JSON.parse(await readFile(join(home(name), 'config.json'), 'utf8'));
async function start(name: string): Promise<Node> {
  const node = await createNode({ settings: await loadSettings({ home: home(name), dht: false }, {}), paths: appPaths(), shards: [], identity: 'file' });
  nodes.push(node);
  await node.start();
  return node;
}

it('omninode invite, omninode join: a link from one home makes another one meet it, now and after a restart', async () => {
  const far = await start('inviter');
  const made = await run('invite', '--home', home('inviter'), '--address', far.mesh.addresses()[0] ?? '', '--expires', '2h', '--qr', '--json');
  const { link, zone, reach, qr } = JSON.parse(made.stdout) as { link: string; zone: string; reach: string; qr: string[] };
  expect({ code: made.code, zone, reach }).toEqual({ code: 0, zone: 'local', reach: 'machine' });
  expect(qr.length).toBeGreaterThan(20);

  const dry = await run('join', link, '--home', home('joiner'), '--dry-run', '--json');
  expect(JSON.parse(dry.stdout)).toMatchObject({ joined: false, inviter: far.mesh.peerId, steps: [expect.stringContaining('peers')] });
  await expect(read('joiner')).rejects.toMatchObject({ code: 'ENOENT' });

  const joined = await run('join', link, '--home', home('joiner'), '--json');
  expect(JSON.parse(joined.stdout)).toMatchObject({ joined: true, reached: true });
  expect(joined.stderr + joined.stdout).not.toContain(link);
  expect(await read('joiner')).toEqual({ peers: [...far.mesh.addresses()] });
  expect((await stat(join(home('joiner'), 'identity.key'))).mode & 0o777).toBe(0o600);

  const near = await start('joiner');
  await vi.waitFor(() => expect(near.mesh.peers().map(({ peer }) => peer)).toContain(far.mesh.peerId), { timeout: 20_000, interval: 20 });
});

it('a link that is over, changed, cut off or no link at all ends with its code, exit 2, and changes nothing', async () => {
  const made = await run('invite', '--home', home('inviter'), '--address', '/ip4/127.0.0.1/tcp/4001', '--expires', '1s', '--json');
  const { link, expiresAt } = JSON.parse(made.stdout) as { link: string; expiresAt: string };
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(Date.parse(expiresAt)), { timeout: 5_000 });
  const cases = [[link, 'INVITE_EXPIRED'], [link.slice(0, -4), 'INVITE_GARBLED'], [`${link.slice(0, 40)}${link[40] === 'a' ? 'b' : 'a'}${link.slice(41)}`, 'INVITE_FORGED'], ['https://example.org', 'INVITE_NOT_A_LINK'], ['omni://join/!', 'INVITE_GARBLED']] as const;
  for (const [bad, code] of cases) {
    const { stdout, code: exit } = await run('join', bad, '--home', home('refused'), '--json');
    const { error } = JSON.parse(stdout) as { error: { code: string; fault: string; next: string } };
    expect(error.code, bad.slice(0, 16)).toContain(code);
    expect(exit).toBe(2);
    expect(stdout).not.toContain(link.slice(60, 90));
  }
  await expect(read('refused')).rejects.toMatchObject({ code: 'ENOENT' });
}, 120_000);

it('the page of a running host invites and joins; who is joined without another zone is met at once', async () => {
  const [near, far] = [await start('page-near'), await start('page-far')];
  const [ours, theirs] = [inviteService(near, (await loadSettings({ home: home('page-near') }, {})).config), inviteService(far, (await loadSettings({ home: home('page-far') }, {})).config)];
  const { link, hasKey } = await theirs.create(3_600_000);
  expect(hasKey).toBe(false);
  expect(await ours.check(link)).toMatchObject({ inviter: far.mesh.peerId, needsRestart: false });
  expect(near.mesh.peers()).toEqual([]);
  expect(await ours.join(link)).toMatchObject({ needsRestart: false });
  await vi.waitFor(() => expect(near.mesh.peers().map(({ peer }) => peer)).toContain(far.mesh.peerId), { timeout: 20_000, interval: 20 });
  await expect(theirs.join(link)).rejects.toMatchObject({ code: 'INVITE_OWN' });
});

it('an invitation to a private zone puts the key into its file and nowhere else', async () => {
  const key = newZoneKey();
  await writeZoneKey(join(home('private'), 'zone.key'), key);
  await writeFile(join(home('private'), 'config.json'), JSON.stringify({ zone: 'private' }));
  const made = await run('invite', '--home', home('private'), '--address', '/ip4/127.0.0.1/tcp/4001', '--json');
  const { link, hasKey } = JSON.parse(made.stdout) as { link: string; hasKey: boolean };
  expect(hasKey).toBe(true);
  const joined = await run('join', link, '--home', home('private-joiner'), '--no-dial', '--json', '--log-level', 'debug');
  const digits = Buffer.from(key).toString('hex');
  expect(joined.stdout + joined.stderr).not.toContain(digits);
  expect(await readFile(join(home('private-joiner'), 'zone.key'), 'utf8')).toBe(`${digits}\n`);
  expect((await stat(join(home('private-joiner'), 'zone.key'))).mode & 0o777).toBe(0o600);
  expect(await read('private-joiner')).toMatchObject({ zone: 'private' });
});
