import { createInterface } from 'node:readline';
import { noMetrics, silentLogger, systemClock, type PeerId } from '../../src-main/base/index.ts';
import { createMesh, isProcessHeld, parseZoneKey, type NatOptions } from '../../src-main/mesh/index.ts';
import { ECHO_PROTOCOL, TEST_LIMITS } from '../../src-main/mesh/testing/nodes.ts';
import type { PeerCommand } from './peer-processes.ts';
import { say } from './say.ts';

// A node in a process of its own: echoes frames, says on stdout what happens (a JSON line each), does what it is told on
// stdin (also JSON lines), stops when stdin ends. It calls process.exit only where the mesh says that it must: any other handle left open keeps it alive,
// and the test that waits for its end fails.
const { identityPath, mdns, isRelay, zoneKey, isLocal, ...options } = JSON.parse(process.argv[2] ?? '{}') as {
  listen: string[]; identityPath?: string; mdns?: boolean; isRelay?: boolean; nat?: NatOptions; dht?: boolean; zoneKey?: string; isLocal?: boolean; nativeTls?: boolean;
};
const zone = zoneKey === undefined ? { kind: isLocal === true ? 'local' as const : 'public' as const } : { kind: 'private' as const, key: parseZoneKey(zoneKey) };
const identity = identityPath === undefined ? { kind: 'ephemeral' as const } : { kind: 'file' as const, path: identityPath };

const mesh = await createMesh(
  { ...options, ...(isRelay === true ? { relayServer: {} } : {}), identity, mdns: mdns === true, dialDiscovered: mdns === true, agent: `process/${process.pid}`, zone },
  { logger: silentLogger, metrics: noMetrics, clock: systemClock },
);
mesh.events.on('peer:connect', ({ peer }) => say('connect', { peer }));
mesh.events.on('peer:identify', ({ agent }) => say('identify', { agent }));
mesh.events.on('reachability', (found) => say('reachability', found));
mesh.events.on('relay:reserved', ({ relay }) => say('relay', { relay, addresses: mesh.addresses() }));
mesh.events.on('topic:message', ({ from, data }) => say('message', { from, text: Buffer.from(data).toString() }));
await mesh.handle(ECHO_PROTOCOL, { ...TEST_LIMITS, direct: true }, (stream) => {
  void (async () => {
    for await (const frame of stream) await stream.send(frame);
    await stream.close();
  })().catch((error: unknown) => say('stream-error', { error: String(error) }));
});
await mesh.start();
say('ready', { peer: mesh.peerId, addresses: mesh.addresses() });
async function pingsTo(peer: PeerId, times: number): Promise<number[]> {
  const rttsMs: number[] = [];
  while (rttsMs.length < times) rttsMs.push(await mesh.ping(peer));
  return rttsMs;
}
async function lossesTo(peer: PeerId, times: number): Promise<number[]> {
  const shares: number[] = [];
  // What it asks and hears is lost as well, so that one may take too long.
  for (let tried = 0; tried < 2 * times && shares.length < times; tried++) shares.push(...[await mesh.loss(peer).catch(() => undefined)].filter((share) => share !== undefined));
  return shares;
}
const obey = async ({ publish, dial, tell, ping, loss }: PeerCommand): Promise<void> => {
  if (dial !== undefined) say('dialled', { peer: await mesh.dial(dial) });
  if (tell !== undefined) say('told', { number: tell, peers: mesh.peers(), addresses: mesh.addresses(), reachability: mesh.reachability, dht: mesh.records?.mode });
  if (ping !== undefined) say('pinged', { rttsMs: await pingsTo(ping.peer, ping.times) });
  if (loss !== undefined) say('lost', { shares: await lossesTo(loss.peer, loss.times) });
  if (publish === undefined) return;
  await mesh.waitForSubscriber('omni/test/v1', AbortSignal.timeout(20_000));
  await mesh.publish('omni/test/v1', Buffer.from(publish));
};
createInterface(process.stdin).on('line', (line) => void obey(JSON.parse(line)).catch((error: unknown) => say('failed', { error: String(error) }))).on('close', () => void mesh.stop().then(() => { if (isProcessHeld()) process.exit(); }));
