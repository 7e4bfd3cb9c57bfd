import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Libp2p, Stream } from '@libp2p/interface';
import { webRTCDirect } from '@libp2p/webrtc';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';

// Runs in a page: a libp2p node of a browser, which is none of ours and knows of our protocols what docs/protocols says. Bundled by browser-page.ts.

/** What came of one question over a stream of its own. */
export interface Asked {
  /** Undefined: the stream was ended without an answer. */
  readonly frame?: readonly number[];
}
export interface BrowserPeer {
  /** Resolves with our peer id once connected. Rejects with why not. */
  dial(address: string): Promise<string>;
  /** Opens a stream, sends that frame if there is one, and hears one. */
  ask(protocol: string, frame?: readonly number[]): Promise<Asked>;
}

const LENGTH_BYTES = 4;
/** The machine may be busy with other tests. */
const PATIENCE_MS = 60_000;
let node: Libp2p | undefined;
let remote: string | undefined;

/** u32, little-endian, then the bytes: docs/protocols/frames.md. */
function framed(frame: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES + frame.length);
  new DataView(bytes.buffer).setUint32(0, frame.length, true);
  bytes.set(frame, LENGTH_BYTES);
  return bytes;
}

async function firstFrame(stream: Stream): Promise<Asked> {
  let held = new Uint8Array();
  for await (const part of stream) {
    const bytes = part instanceof Uint8Array ? part : part.subarray();
    const next = new Uint8Array(held.length + bytes.length);
    next.set(held);
    next.set(bytes, held.length);
    held = next;
    if (held.length < LENGTH_BYTES) continue;
    const length = new DataView(held.buffer).getUint32(0, true);
    if (held.length >= LENGTH_BYTES + length) return { frame: [...held.subarray(LENGTH_BYTES, LENGTH_BYTES + length)] };
  }
  return {};
}

const peer: BrowserPeer = {
  async dial(address) {
    // Without a list it would ask public STUN servers.
    node ??= await createLibp2p({
      privateKey: await generateKeyPair('Ed25519'), transports: [webRTCDirect({ rtcConfiguration: { iceServers: [] } })], connectionGater: { denyDialMultiaddr: () => false },
      connectionManager: { dialTimeout: PATIENCE_MS, addressDialTimeout: PATIENCE_MS, outboundStreamProtocolNegotiationTimeout: PATIENCE_MS },
    });
    const connection = await node.dial(multiaddr(address));
    remote = connection.remotePeer.toString();
    return node.peerId.toString();
  },
  async ask(protocol, frame) {
    const connection = node?.getConnections().find(({ remotePeer }) => remotePeer.toString() === remote);
    if (connection === undefined) throw new TypeError('not connected');
    const stream = await connection.newStream(protocol);
    if (frame !== undefined) stream.send(framed(frame));
    const answer = await firstFrame(stream);
    await stream.close();
    return answer;
  },
};
Object.assign(globalThis, { browserPeer: peer });
