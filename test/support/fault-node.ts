import { setTimeout as delay } from 'node:timers/promises';
import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { backoffMs, noMetrics, peerOf, silentLogger, systemClock, toCoded, type PeerId } from '../../src-main/base/index.ts';
import { createMesh, Discovery, type Mesh } from '../../src-main/mesh/index.ts';
import { ECHO_PROTOCOL, TEST_LIMITS } from '../../src-main/mesh/testing/nodes.ts';
import type { FaultSetup, FromFaultNode, ToFaultNode } from './fault-messages.ts';

// A node in a process of its own that never rests: it keeps a stream open to every member, and gossips. What it hears is
// said once a round, so that whoever begins a round sees what works from then on. It never calls process.exit: a handle
// left open, or a rejection that nobody handles, shows in how it ends.
const setup = JSON.parse(process.argv[2] ?? '{}') as FaultSetup;
const BEAT_MS = 500;
const REOPEN = { firstMs: 100, maxMs: 2_000 };
const over = new AbortController();
const said = new Set<string>();
let round = 0;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const say = (message: FromFaultNode): void => void (process.connected && process.send?.(message));
function sayOnce(event: 'heard' | 'echoed', peer: PeerId, of: number): void {
  const key = `${event} ${of} ${peer}`;
  if (said.has(key)) return;
  said.add(key);
  say({ event, peer, round: of });
}
const rest = (ms: number): Promise<unknown> => delay(ms, undefined, { signal: over.signal }).catch(() => undefined);

/** Frames go round a stream for as long as it lasts; whatever comes back must be what was sent, in order. */
async function talk(mesh: Mesh, peer: PeerId): Promise<void> {
  const stream = await mesh.open(peer, ECHO_PROTOCOL, { limits: TEST_LIMITS, signal: over.signal });
  const onOver = (): void => void stream.close().catch(() => undefined);
  over.signal.addEventListener('abort', onOver, { once: true });
  try {
    const echoes = stream[Symbol.asyncIterator]();
    for (let i = 0; !over.signal.aborted; i++) {
      const [sent, of] = [`${i} of ${setup.name}`, round];
      await stream.send(Buffer.from(sent));
      const { value, done } = await echoes.next();
      if (done === true) return;
      if (Buffer.from(value).toString() !== sent) say({ event: 'wrong', what: `${peer} echoed ${Buffer.from(value).toString()} for ${sent}` });
      sayOnce('echoed', peer, of);
      await rest(BEAT_MS);
    }
  } finally {
    over.signal.removeEventListener('abort', onOver);
  }
}

/** Discovery brings the connection back; whoever needs a stream opens it again. */
async function keepTalking(mesh: Mesh, peer: PeerId): Promise<void> {
  for (let attempt = 0; !over.signal.aborted; attempt++) {
    const [of, code] = [round, await talk(mesh, peer).then(() => 'ended', (error: unknown) => toCoded(error).code)];
    say({ event: 'stream-lost', peer, code });
    if (round !== of) attempt = 0;
    await rest(backoffMs(attempt, REOPEN));
  }
}

async function gossip(mesh: Mesh): Promise<void> {
  for (; !over.signal.aborted; await rest(BEAT_MS)) await mesh.publish('omni/test/v1', Buffer.from(JSON.stringify({ round }))).catch((error: unknown) => say({ event: 'wrong', what: toCoded(error).message }));
}

const identity = setup.identityPath === undefined ? { kind: 'ephemeral' as const } : { kind: 'file' as const, path: setup.identityPath };
const mesh = await createMesh({ listen: setup.listen, identity, mdns: false, agent: `fault/${setup.name}` }, { logger: silentLogger, metrics: noMetrics, clock: systemClock });
mesh.events.on('peer:connect', ({ peer }) => say({ event: 'connect', peer }));
mesh.events.on('peer:disconnect', ({ peer }) => say({ event: 'disconnect', peer }));
mesh.events.on('topic:message', ({ from, data }) => {
  const heard = (JSON.parse(Buffer.from(data).toString()) as { round: number }).round;
  if (heard >= round) sayOnce('heard', from, round);
});
await mesh.handle(ECHO_PROTOCOL, TEST_LIMITS, (stream) => void (async () => {
  for await (const frame of stream) await stream.send(frame);
  await stream.close();
})().catch(() => undefined));
// Discovery says in its log whom it does not reach.
const unreached = (detail: object): void => { if ((detail as { code?: string }).code === 'MESH_DIAL_FAILED') say({ event: 'unreached' }); };
const discovery = new Discovery({ home: setup.home, members: setup.members }, { mesh, logger: { ...silentLogger, warn: unreached, debug: unreached }, clock: systemClock });
await mesh.start();
await discovery.start();
const busy = [gossip(mesh), ...setup.members.map((address) => keepTalking(mesh, peerOf(address) as PeerId))];

function tellHeld(): void {
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  // One of them is the listing's own.
  const fds = process.platform === 'linux' ? readdirSync('/proc/self/fd').length - 1 : 0;
  say({ event: 'held', heapBytes: heapUsed + external, residentBytes: rss, fds, connections: mesh.peers().length, resources: process.getActiveResourcesInfo().length });
}

async function stop(): Promise<void> {
  over.abort();
  await discovery.stop();
  await mesh.stop();
  await Promise.all(busy);
  if (process.connected) process.disconnect();
}

process.on('message', (message: ToFaultNode) => {
  if (message.kind === 'round') round = message.round;
  else if (message.kind === 'held') tellHeld();
  else if (message.kind === 'facts') say({ event: 'facts', addresses: mesh.addresses(), clockMs: Date.now() });
  else void stop();
});
process.on('disconnect', () => { if (!over.signal.aborted) void stop(); });
say({ event: 'ready', peer: mesh.peerId, addresses: mesh.addresses() });
