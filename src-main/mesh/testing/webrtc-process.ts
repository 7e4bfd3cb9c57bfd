import { TestNodes } from './nodes.ts';

// Meshes that stop amid the negotiation of a WebRTC connection, at many moments of it, and some that stop after their peer did. It never
// calls process.exit: what the native part holds of any of them keeps the process alive, and whoever waits for its end waits for ever.
const MOMENTS = 20;
const STEP_MS = 12;
const LEFT_BY_PEER = 3;

async function attempt({ withinMs }: { readonly withinMs: number }): Promise<void> {
  const nodes = new TestNodes();
  const { far, address } = await nodes.behindRelay({ listen: ['/webrtc'] });
  const near = await nodes.start({ listen: [], transports: ['relay', 'webrtc'] });
  await near.dial(address.replace('/p2p-circuit/', '/p2p-circuit/webrtc/'), { signal: AbortSignal.timeout(withinMs) }).catch(() => undefined);
  if (near.peers().some(({ peer, transport }) => peer === far.peerId && transport === 'webrtc')) await far.stop();
  await nodes.stop();
}

for (let moment = 0; moment < MOMENTS; moment++) await attempt({ withinMs: moment * STEP_MS });
for (let turn = 0; turn < LEFT_BY_PEER; turn++) await attempt({ withinMs: 10_000 });
process.stdout.write('stopped\n');
