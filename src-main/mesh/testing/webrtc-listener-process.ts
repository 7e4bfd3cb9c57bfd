import { setImmediate } from 'node:timers/promises';
import { IceUdpMuxListener } from 'node-datachannel';
import { isProcessHeld } from '../transports/webrtc-listener.ts';
import { addressOf, TestNodes } from './nodes.ts';
import { UdpStranger } from './udp.ts';

// Nodes that listen for browsers, one after the other, and somebody who goes on asking each of them to be let in when it has stopped. The native part did not
// bear that where the memory of its listener had not been zero before, so in five of six runs.
const NODES = 8;
const REQUESTS = 50;
/** Bytes of a native listener, with what is kept beside it. */
const LISTENER_BYTES = 0x74;

/** A binding request (RFC 8489) as a browser sends it first. */
function request(): Buffer {
  const ufrag = 'libp2p+webrtc+v1/wants/to/come/in';
  const name = Buffer.from(`${ufrag}:${ufrag} `);
  const attributes = Buffer.concat([Buffer.of(0x00, 0x06, 0, name.length - 1), name, Buffer.of(0x00, 0x08, 0, 20), Buffer.alloc(20, 1)]);
  return Buffer.concat([Buffer.of(0x00, 0x01, 0, attributes.length), Buffer.from('2112a4420102030405060708090a0b0c', 'hex'), attributes]);
}

async function pester(stranger: UdpStranger, port: number): Promise<void> {
  for (let sent = 0; sent < REQUESTS; sent++) {
    await stranger.send(request(), port);
    await setImmediate();
  }
}

/** Leaves memory of that size behind that is not zero. */
function litter(): void {
  for (let i = 0; i < 64; i++) {
    try {
      new IceUdpMuxListener(1, 'x'.repeat(LISTENER_BYTES)).stop();
    } catch {
      continue;
    }
  }
}

const stranger = await UdpStranger.open();
for (let turn = 0; turn < NODES; turn++) {
  litter();
  const nodes = new TestNodes();
  const port = Number(/\/udp\/(\d+)\//.exec(addressOf(await nodes.start({ listen: ['/ip4/127.0.0.1/udp/0/webrtc-direct'] })))?.[1]);
  await pester(stranger, port);
  await nodes.stop();
  await pester(stranger, port);
}
stranger.close();
process.stdout.write('stopped\n', () => { if (isProcessHeld()) process.exit(); });
