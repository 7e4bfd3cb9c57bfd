import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { whyNoLans } from '../support/lans.ts';
import { LansRig } from '../support/lans-rig.ts';
import { loopbackNetwork, saysReady, whyNoMulticast, type NetworkHost } from '../support/network.ts';

const lacks = whyNoLans();
if (lacks !== undefined) console.warn(`tests between LANs skipped, what is left of them runs on this machine alone: ${lacks}`);

/** What a new mesh may take, from its two nodes being up to a message. */
const MDNS_LIMIT_MS = 3_000;
const spaces = (): string[] => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n').filter((line) => line.startsWith(`omn-${process.pid}-i`));

const rig = new LansRig();
afterEach(() => rig.stop());

/** A script on a host; what it prints. */
function runOn({ prefix: [command = '', ...args] }: NetworkHost, script: string): string {
  return execFileSync(command, [...args, process.execPath, '-e', script], { encoding: 'utf8' }).trim();
}

async function startScript({ prefix: [command = '', ...args] }: NetworkHost, script: string): Promise<ChildProcess> {
  const child = spawn(command, [...args, process.execPath, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await saysReady(child);
  return child;
}

// A closed port answers, a router that drops does not.
const dial = (address: string): string =>
  `require('node:net').connect({ port: 9, host: '${address}', timeout: 500 }).on('error', (e) => console.log(e.code)).on('timeout', function () { console.log('silence'); this.destroy(); })`;
/** From which outside ports two public hosts hear one socket. */
const ports = (targets: readonly string[]): string =>
  `const s = require('node:dgram').createSocket('udp4'), seen = []; s.on('message', (m) => { seen.push(Number(m)); if (seen.length === 2) { console.log(JSON.stringify(seen)); s.close(); } });
   for (const t of ${JSON.stringify(targets)}) s.send('?', 3478, t)`;
const TELLS_PORT = `require('node:dgram').createSocket('udp4').on('message', function (_, from) { this.send(String(from.port), from.port, from.address); }).bind(3478, () => console.log('ready'))`;

test.skipIf(lacks !== undefined)('LANs reach the internet through their routers and are reached by nobody; nothing is left behind', () => {
  const internet = rig.internet({ publicHosts: 1, lans: [{ hosts: 2, nat: 'cone' }] });
  const [far, lan] = [internet.publicHosts[0]!, internet.lans[0]!];
  const [near, neighbour] = lan.hosts;
  expect(runOn(near!, dial(far.address))).toBe('ECONNREFUSED');
  expect(runOn(near!, dial(neighbour!.address))).toBe('ECONNREFUSED');
  expect(runOn(far, dial(lan.router.address))).toBe('silence');
  expect(runOn(far, dial(near!.address))).not.toBe('ECONNREFUSED');
  internet.stop();
  expect(spaces()).toEqual([]);
});

test.skipIf(lacks !== undefined)('a cone router shows everybody one port, a symmetric one another to each', async () => {
  const internet = rig.internet({ publicHosts: 2, lans: [{ hosts: 1, nat: 'cone' }, { hosts: 1, nat: 'symmetric' }] });
  const { publicHosts, lans } = internet;
  const servers = await Promise.all(publicHosts.map((host) => startScript(host, TELLS_PORT)));
  const seen = lans.map(({ hosts }) => new Set(JSON.parse(runOn(hosts[0]!, ports(publicHosts.map(({ address }) => address)))) as number[]).size);
  for (const server of servers) server.kill();
  expect(seen).toEqual([1, 2]);
});

test.skipIf(lacks !== undefined)('a host of the internet says where it is before anybody came', async () => {
  const [host] = rig.internet({ publicHosts: 1, lans: [] }).publicHosts;
  for (const setup of [{}, { nat: {} }]) {
    const { addresses } = await rig.start(host!, setup).said('ready');
    expect(addresses).toEqual([expect.stringMatching(new RegExp(`^/ip4/${host!.address}/tcp/\\d+/p2p/\\w+$`))]);
  }
});

/** Two nodes that know nothing of each other but that they are of one zone, whose name they ask for: others of this network do not answer. */
async function expectToMeet(hosts: readonly NetworkHost[]): Promise<void> {
  const zoneKey = randomBytes(32).toString('hex');
  const running = hosts.map((host) => rig.start(host, { mdns: true, zoneKey }));
  const ids = await Promise.all(running.map(async (child) => (await child.said('ready'))['peer']));
  const begunMs = performance.now();
  for (const [i, child] of running.entries()) child.tell({ publish: `from ${ids[i]}` });
  const heard = await Promise.all(running.map(async (child) => (await child.said('message'))['text']));
  expect(performance.now() - begunMs).toBeLessThan(MDNS_LIMIT_MS);
  expect(heard).toEqual(ids.toReversed().map((id) => `from ${id}`));
  for (const child of running) expect(await child.stop()).toEqual({ code: 0, errors: '' });
}

test.skipIf(lacks !== undefined)('two hosts on one LAN find each other by mDNS and exchange a message within 3 s', async () => {
  await expectToMeet(rig.internet({ publicHosts: 0, lans: [{ hosts: 2, nat: 'cone' }] }).lans[0]!.hosts);
});

const noMulticast = await whyNoMulticast();
if (noMulticast !== undefined) console.warn(`mDNS between processes of this machine skipped: ${noMulticast}`);
test.skipIf(noMulticast !== undefined)('two processes of one machine do so, too', () => expectToMeet(loopbackNetwork(2).hosts));
