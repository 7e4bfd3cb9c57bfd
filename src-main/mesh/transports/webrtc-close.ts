import { RTCPeerConnection } from 'node-datachannel/polyfill';

type Channel = ReturnType<RTCPeerConnection['createDataChannel']>;
const made = new WeakMap<RTCPeerConnection, Set<Channel>>();
let isDone = false;

/**
 * node-datachannel never lets go of a connection that is closed before a channel that never opened, and the process then never ends by itself.
 * libp2p closes them so whenever an attempt leads nowhere. From the first call on, a connection's channels are closed before it.
 */
export function closeChannelsFirst(): void {
  if (isDone) return;
  isDone = true;
  const { createDataChannel, close } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.createDataChannel = function (this: RTCPeerConnection, ...args) {
    const channel = createDataChannel.apply(this, args);
    const channels = made.get(this) ?? new Set();
    made.set(this, channels.add(channel));
    channel.addEventListener('close', () => channels.delete(channel));
    return channel;
  };
  RTCPeerConnection.prototype.close = function (this: RTCPeerConnection) {
    // What the peer closed has its channels closed.
    if (this.connectionState !== 'closed') for (const channel of made.get(this) ?? []) channel.close();
    made.delete(this);
    close.call(this);
  };
}
