import { noMetrics, silentLogger, systemClock } from '../../src-main/base/index.ts';
import { createMesh, Presence } from '../../src-main/mesh/index.ts';
import { profileOf } from '../../src-main/mesh/testing/capability.ts';
import { say } from './say.ts';

// A node in a process of its own that says who joins and leaves, a JSON line each, and stops when stdin ends.
const { name, dial } = JSON.parse(process.argv[2] ?? '{}') as { name: string; dial?: string };
const components = { logger: silentLogger, metrics: noMetrics, clock: systemClock };
const mesh = await createMesh({ listen: ['/ip4/127.0.0.1/tcp/0'], identity: { kind: 'ephemeral' }, mdns: false, agent: 'presence/1' }, components);
const presence = new Presence({ mesh, profile: () => profileOf(name), ...components });
presence.events.on('peer:joined', ({ profile }) => say('joined', { name: profile.name }));
presence.events.on('peer:left', ({ why, peer }) => say('left', { why, peer }));
await mesh.start();
await presence.start();
if (dial !== undefined) await mesh.dial(dial);
say('ready', { peer: mesh.peerId, addresses: mesh.addresses() });
process.stdin.on('end', () => void presence.stop().then(() => mesh.stop())).resume();
