import { defineErrors, spec } from '../../base/index.ts';

export const zoneErrors = defineErrors('ZONE', {
  keyMissing: spec<{ path: string }>({
    fault: 'user', message: ({ path }) => `There is no zone key at ${path}.`,
    next: 'Join with an invite, copy the file from a member of the zone, or run: omninode zone new-key',
  }),
  keyCorrupt: spec<{ path: string }>({
    fault: 'user', message: ({ path }) => `The file ${path} does not hold a zone key: 64 hexadecimal digits and a line's end.`,
    next: 'Copy the file again from a member of the zone.',
  }),
  keyReadableByOthers: spec<{ path: string; mode: string }>({
    fault: 'user', message: ({ path, mode }) => `Other users of this machine may read the zone key ${path} (mode ${mode}).`,
    next: ({ path }) => `Run: chmod 600 ${path}`,
  }),
  keyExists: spec<{ path: string }>({
    fault: 'user', message: ({ path }) => `There is a zone key at ${path} already; without it this node is no member of its zone any more.`,
    next: 'Move the file away first, if that is what you want.',
  }),
  stranger: spec<Record<string, never>>({
    fault: 'peer', message: () => 'Somebody who is no member of this zone connected, and was told nothing.', next: 'Nothing to do here; a member needs this zone’s key or a place on its allow-list.',
  }),
  silentPeer: spec<{ address: string }>({
    fault: 'local', retryable: true, message: ({ address }) => `Nobody of this zone answered at ${address}.`,
    next: 'Check that both nodes have the same zone and key: omninode zone show',
  }),
  clockApart: spec<{ peer: string; apartMs: number }>({
    fault: 'peer', message: (m) => `The clock of member ${m.peer} is ${Math.round(m.apartMs / 1000)} s away from ours.`, next: 'Set the clock of one of the machines.',
  }),
  knockReplayed: spec<Record<string, never>>({ fault: 'peer', message: () => 'A knock came a second time.', next: 'Nothing to do here: somebody repeats what he overheard, and learns nothing.' }),
  notAllowed: spec<{ peer: string }>({
    fault: 'peer', message: ({ peer }) => `Peer ${peer} is not on this zone's allow-list.`, next: 'Add it to allowPeers if it belongs here.',
  }),
  otherPeer: spec<{ peer: string }>({
    fault: 'peer', message: ({ peer }) => `A connection that began as another member’s ended as that of ${peer}.`, next: 'Nothing to do here; it was refused.',
  }),
  banned: spec<{ subject: string }>({ fault: 'peer', message: ({ subject }) => `${subject} is banned here.`, next: 'omninode ban ls says why and for how long.' }),
  outside: spec<{ address: string }>({
    fault: 'local', message: ({ address }) => `${address} is outside this node's zone, which is local: this machine and its private networks.`,
    next: 'Set zone to private (with a key) or public in config.json to reach further.',
  }),
  noSilentTransport: spec<{ address: string }>({
    fault: 'user', message: ({ address }) => `A node of a private zone cannot listen on ${address}: that transport answers strangers before they have proved anything.`,
    next: 'Listen on TCP or through a relay.',
  }),
  relayNotNamed: spec<{ relay: string }>({
    fault: 'peer', retryable: true, message: ({ relay }) => `Peer ${relay} wanted to bring a connection as a relay, and is none of ours.`, next: 'Name it in `relays` if it is to be one.',
  }),
  tooManySessions: spec<{ address: string; perSecond: number }>({
    fault: 'peer', retryable: true, message: (m) => `${m.address} opened more than ${m.perSecond} sessions a second.`, next: 'Raise sessionsPerSecond if many nodes share this address.',
  }),
  tooManyPending: spec<{ address: string; limit: number }>({
    fault: 'peer', retryable: true, message: (m) => `${m.address} has ${m.limit} sessions under way that have not said who they are.`, next: 'Nothing to do here; more are refused until those end.',
  }),
  tooManyLinks: spec<{ peer: string; limit: number }>({
    fault: 'peer', retryable: true, message: (m) => `Peer ${m.peer} has ${m.limit} connections already.`, next: 'Use one of them.',
  }),
  handshakeFailed: spec<{ reason: string }>({ fault: 'peer', retryable: true, message: ({ reason }) => `A connection did not get to its end of the handshake: ${reason}.`, next: 'Nothing to do here.' }),
  sessionIdle: spec<{ peer: string }>({ fault: 'local', retryable: true, message: ({ peer }) => `Nothing was exchanged with peer ${peer} for a long time.`, next: 'Dial it again when it is needed.' }),
  tooManyStreams: spec<{ peer: string; perSecond: number }>({
    fault: 'peer', message: (m) => `Peer ${m.peer} opened more than ${m.perSecond} streams a second.`, next: 'Nothing to do here; the peer has to open fewer.',
  }),
  quotaExceeded: spec<{ peer: string; protocol: string; what: string }>({
    fault: 'peer', message: (m) => `From peer ${m.peer} came more ${m.what} a second on ${m.protocol} than may.`, next: 'Nothing to do here; the peer has to ask for less.',
  }),
  messageReplayed: spec<{ author: string }>({ fault: 'peer', message: ({ author }) => `A message of ${author} came again long after it was sent.`, next: 'Nothing to do here.' }),
  messageFlood: spec<{ peer: string }>({ fault: 'peer', message: ({ peer }) => `Peer ${peer} floods the topics.`, next: 'Nothing to do here; it is heard less and less.' }),
  rpcTooLong: spec<{ peer: string }>({ fault: 'peer', message: ({ peer }) => `Peer ${peer} sent more on the topics at once than anybody may.`, next: 'Nothing to do here; its gossip stream was ended.' }),
  graylisted: spec<{ peer: string }>({ fault: 'peer', message: ({ peer }) => `Peer ${peer} is not listened to on the topics any more: its score is too low.`, next: 'Nothing to do here.' }),
  bansUnreadable: spec<{ path: string }>({
    fault: 'user', message: ({ path }) => `${path} is no list of bans.`, next: 'Correct the file, or remove it to begin with an empty list.',
  }),
  badSubject: spec<{ subject: string }>({
    fault: 'user', message: ({ subject }) => `"${subject}" is neither a peer id nor an IP address.`, next: 'Give a peer id as `omninode listen` prints it, or an IP address.',
  }),
  bansFull: spec<{ limit: number }>({ fault: 'user', message: ({ limit }) => `${limit} bans are kept already.`, next: 'Remove some: omninode ban rm.' }),
});
