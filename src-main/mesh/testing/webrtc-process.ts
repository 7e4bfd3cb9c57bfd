import { TestNodes } from './nodes.ts';

// Meshes that stop amid the negotiation of a WebRTC connection, at many moments of it. It never calls process.exit: what the native part holds of
// any of them keeps the process alive, and whoever waits for its end waits for ever.
const MOMENTS = 20;
const STEP_MS = 12;

for (let moment = 0; moment < MOMENTS; moment++) {
  const nodes = new TestNodes();
  const { address } = await nodes.behindRelay({ listen: ['/webrtc'] });
  const near = await nodes.start({ listen: [], transports: ['relay', 'webrtc'] });
  await near.dial(address.replace('/p2p-circuit/', '/p2p-circuit/webrtc/'), { signal: AbortSignal.timeout(moment * STEP_MS) }).catch(() => undefined);
  await nodes.stop();
}
process.stdout.write('stopped\n');
