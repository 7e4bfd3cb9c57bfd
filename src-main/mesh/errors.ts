import { defineErrors, spec } from '../base/index.ts';

export const DIAL_REASONS = ['refused', 'timeout', 'wrong identity', 'aborted', 'bad address', 'unreachable', 'another zone', 'no handshake'] as const;
export type DialReason = (typeof DIAL_REASONS)[number];

const DIAL_NEXT: Record<DialReason, string> = {
  refused: 'Check that the other node runs and listens on this port.',
  timeout: 'Check the address and that no firewall drops the connection.',
  'wrong identity': 'Ask the other side for its current address: somebody else answers at this one.',
  aborted: 'Dial again when the reason for stopping is gone.',
  'bad address': 'Use an address as `omninode` prints it: /ip4/<host>/tcp/<port>/p2p/<peer id>.',
  'no handshake': 'Somebody is there who does not talk to this node: one of a private zone, or no OmniNode. Compare the zones of both: omninode zone show',
  'another zone': 'Compare the zones and keys of both nodes: omninode zone show',
  unreachable: 'Check that both nodes are on networks that reach each other.',
};

export const meshErrors = defineErrors('MESH', {
  portInUse: spec<{ addresses: readonly string[] }>({
    fault: 'user', message: ({ addresses }) => `Another program listens on ${addresses.join(', ')}.`,
    next: 'Stop the other program (`ss -ltnp` or `lsof -i` says which it is), or listen on another port (port 0 takes a free one).',
  }),
  listenFailed: spec<{ addresses: readonly string[] }>({
    fault: 'user', message: ({ addresses }) => `This machine cannot listen on ${addresses.join(', ')}.`,
    next: 'Check the listen addresses: they must be multiaddrs of this machine, or of a relay (<its address>/p2p-circuit).',
  }),
  transportUnavailable: spec<{ transport: string }>({
    fault: 'local', message: ({ transport }) => `This build has no ${transport} transport for ${process.platform} ${process.arch}.`,
    next: 'Use a TCP address (/ip4/<host>/tcp/<port>), or reinstall with optional packages on a platform that has it.',
  }),
  relayRefused: spec<{ relay: string; reason: string }>({
    fault: 'peer', retryable: true, message: ({ relay, reason }) => `There is no place at the relay ${relay}: ${reason}.`,
    next: 'Check that the node there runs with `relay` on, or name another one.',
  }),
  dialFailed: spec<{ address: string; reason: DialReason }>({
    fault: 'local', retryable: true, message: ({ address, reason }) => `Could not connect to ${address}: ${reason}.`,
    next: ({ reason }) => DIAL_NEXT[reason],
  }),
  handshakeFailed: spec<{ reason: string }>({
    fault: 'local', retryable: true, message: ({ reason }) => `The encrypted connection could not be set up: ${reason}.`, next: 'Dial again.',
  }),
  notConnected: spec<{ peer: string }>({
    fault: 'local', retryable: true, message: ({ peer }) => `There is no connection to peer ${peer}.`, next: 'Dial the peer first.',
  }),
  connectionLost: spec<{ peer: string }>({
    fault: 'local', retryable: true, message: ({ peer }) => `The connection to peer ${peer} was lost.`, next: 'Dial the peer again.',
  }),
  protocolUnsupported: spec<{ peer: string; protocol: string }>({
    fault: 'local', message: ({ peer, protocol }) => `Peer ${peer} does not speak ${protocol}.`,
    next: 'Run the same version on both nodes, or choose another peer.',
  }),
  protocolVersion: spec<{ peer: string; protocol: string; theirs: string }>({
    fault: 'local', message: (m) => `Peer ${m.peer} speaks ${m.theirs}, this node ${m.protocol}: their major versions differ.`,
    next: 'Update OmniNode on the node with the lower version.',
  }),
  onlyRelayed: spec<{ peer: string; protocol: string }>({
    fault: 'local', retryable: true, message: ({ peer, protocol }) => `Peer ${peer} is reached through a relay only, which does not carry ${protocol}.`,
    next: 'Wait for a direct connection, or dial an address of the peer that needs no relay.',
  }),
  openFailed: spec<{ peer: string; protocol: string }>({
    fault: 'local', retryable: true, message: ({ peer, protocol }) => `Could not open a ${protocol} stream to peer ${peer}.`,
    next: 'Try again; close streams that are no longer needed if this repeats.',
  }),
  moveInvalid: spec<{ peer: string; protocol: string; reason: string }>({
    fault: 'peer', message: (m) => `Peer ${m.peer} moved a ${m.protocol} stream to another connection wrongly: ${m.reason}.`,
    next: 'Drop the peer: it does not keep to the protocol.',
  }),
  frameTooLong: spec<{ peer: string; protocol: string; sizeBytes: number; limitBytes: number }>({
    fault: 'peer', message: (m) => `Peer ${m.peer} announced a frame of ${m.sizeBytes} bytes on ${m.protocol}; the limit is ${m.limitBytes}.`,
    next: 'Drop the peer: it does not keep to the protocol.',
  }),
  frameTruncated: spec<{ peer: string; protocol: string }>({
    fault: 'peer', retryable: true, message: ({ peer, protocol }) => `Peer ${peer} ended a ${protocol} stream in the middle of a frame.`,
    next: 'Open a new stream and send the request again.',
  }),
  sendTooLong: spec<{ protocol: string; sizeBytes: number; limitBytes: number }>({
    fault: 'local', message: (m) => `A frame of ${m.sizeBytes} bytes is over the ${m.limitBytes} bytes that ${m.protocol} allows.`,
    next: 'Split the frame.',
  }),
  streamClosedByPeer: spec<{ peer: string; protocol: string }>({
    fault: 'peer', retryable: true, message: ({ peer, protocol }) => `Peer ${peer} reset a ${protocol} stream.`,
    next: 'Open a new stream; if this repeats, choose another peer.',
  }),
  streamEnded: spec<{ peer: string; protocol: string }>({
    fault: 'local', message: ({ peer, protocol }) => `Our side of the ${protocol} stream to peer ${peer} has ended.`,
    next: 'Open a new stream to send more.',
  }),
  queueOverflow: spec<{ peer: string; protocol: string; limitFrames: number }>({
    fault: 'peer', message: (m) => `Peer ${m.peer} sent more than ${m.limitFrames} frames that nobody had read yet on ${m.protocol}.`,
    next: 'Drop the peer: it ignores the credits it was given.',
  }),
  sendOverflow: spec<{ peer: string; protocol: string }>({
    fault: 'local', message: ({ peer, protocol }) => `Too much was sent to peer ${peer} on ${protocol} without waiting for room.`,
    next: 'Await every send before the next one.',
  }),
  identityCorrupt: spec<{ path: string }>({
    fault: 'user', message: ({ path }) => `The identity file ${path} does not hold an Ed25519 key.`,
    next: 'Restore the file from a backup, or remove it to get a new identity (and a new peer id).',
  }),
  identityReadableByOthers: spec<{ path: string; mode: string }>({
    fault: 'user', message: ({ path, mode }) => `Other users of this machine may read the identity file ${path} (mode ${mode}).`,
    next: ({ path }) => `Run: chmod 600 ${path}`,
  }),
  messageTooLarge: spec<{ topic: string; sizeBytes: number; limitBytes: number }>({
    fault: 'local', message: (m) => `A message of ${m.sizeBytes} bytes is over the ${m.limitBytes} bytes that topic ${m.topic} allows.`,
    next: 'Publish a reference instead of the content.',
  }),
  messageInvalid: spec<{ topic: string; what: string }>({
    fault: 'local', message: ({ topic, what }) => `A message on topic ${topic} must be ${what}.`,
    next: 'Publish what the topic is for; docs/protocols/topics.md has the list.',
  }),
  noValues: spec<Record<string, never>>({
    fault: 'peer', message: () => 'A peer wanted to put a value on the DHT, which keeps provider records only.', next: 'Nothing to do here; it was refused.',
  }),
  responseInvalid: spec<{ peer: string; protocol: string; reason: string }>({
    fault: 'peer', message: (m) => `Peer ${m.peer} answered ${m.protocol} wrongly: ${m.reason}.`,
    next: 'Choose another peer; this one does not keep to the protocol.',
  }),
  tooManyRequests: spec<{ peer: string; protocol: string; perSecond: number }>({
    fault: 'peer', message: (m) => `Peer ${m.peer} asked more than ${m.perSecond} times a second on ${m.protocol}.`,
    next: 'Nothing to do here; the peer has to ask less often.',
  }),
  requestTimeout: spec<{ peer: string; protocol: string; timeoutMs: number }>({
    fault: 'peer', retryable: true, message: (m) => `Peer ${m.peer} did not answer ${m.protocol} within ${m.timeoutMs} ms.`,
    next: 'Try again, or choose another peer.',
  }),
});
