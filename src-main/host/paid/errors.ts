import { defineErrors, spec } from '../../base/index.ts';

const sum = (units: string): string => `${(Number(BigInt(units) / 10n ** 12n) / 1e6).toString()} SUM`;

export const payErrors = defineErrors('PAY', {
  badMessage: spec<{ peer: string; reason: string }>({
    fault: 'peer', message: (m) => `peer ${m.peer} said something about pay that cannot be read: ${m.reason}`, next: 'Check that both nodes run the same OmniNode version.',
  }),
  silent: spec<{ peer: string; timeoutMs: number }>({
    fault: 'peer', retryable: true, message: (m) => `peer ${m.peer} did not answer about pay within ${m.timeoutMs} ms`, next: 'Choose another peer, or try again.',
  }),
  notPaying: spec<Record<string, never>>({ fault: 'user', message: () => 'this node pays nobody', next: 'Say what a session may cost at most (payUpTo in the settings), or choose machines that ask for nothing.' }),
  otherChain: spec<{ peer: string; chainId: number; settlement: string }>({
    fault: 'user', message: (m) => `peer ${m.peer} is paid on chain ${m.chainId} by ${m.settlement}, this node pays elsewhere`, next: 'Choose nodes that use the same chain.',
  }),
  notActive: spec<{ peer: string; nodeId: string }>({
    fault: 'user', message: (m) => `peer ${m.peer} has not staked what paid work asks for`, next: 'Choose another node; its owner can stake more.',
  }),
  tooDear: spec<{ wanted: string; most: string; nodes: number }>({
    fault: 'user', message: (m) => `${m.nodes} nodes cannot be paid out of ${sum(m.most)}: each needs ${sum(m.wanted)} or more`, next: 'Allow more for a session, or choose cheaper nodes.',
  }),
  tooManyNodes: spec<{ nodes: number; most: number }>({ fault: 'user', message: (m) => `a paid session has at most ${m.most} nodes, these are ${m.nodes}`, next: 'Plan with fewer nodes.' }),
  unknownSession: spec<{ session: string }>({
    fault: 'peer', retryable: true, message: (m) => `the chain knows no session ${m.session} that pays this node`, next: 'Wait until it is in a block, then say it again.',
  }),
  over: spec<{ session: string }>({ fault: 'user', retryable: true, message: () => 'the paid session is over', next: 'Open another paid session.' }),
  notThePayer: spec<{ session: string }>({ fault: 'peer', message: () => 'that is not signed by who pays the session', next: 'Sign it with the account that opened the session.' }),
  badVoucher: spec<{ session: string; reason: string }>({ fault: 'peer', message: (m) => `the voucher is no good: ${m.reason}`, next: 'Send one over bills that grow.' }),
  otherTerms: spec<{ session: string; reason: string }>({ fault: 'peer', message: (m) => `those are not the terms: ${m.reason}`, next: 'Ask for the offer again.' }),
  workKnown: spec<{ work: string }>({ fault: 'peer', message: () => 'this work belongs to another session already', next: 'Name each work once.' }),
  busy: spec<{ limit: number }>({ fault: 'user', retryable: true, message: (m) => `this node has ${m.limit} paid sessions already`, next: 'Wait for another to end, or choose another node.' }),
  notAgreed: spec<{ own: number; told: number }>({
    fault: 'peer', message: (m) => `this node counted ${m.own} tokens, the payer tells ${m.told}`, next: 'Settle by the newest voucher.',
  }),
  behind: spec<{ tokens: number; credit: number }>({
    fault: 'user', retryable: true, message: (m) => `${m.tokens} tokens are not vouched for, more than the ${m.credit} that this node gives credit for`, next: 'Send a voucher for them, then ask again.',
  }),
  spent: spec<{ tokens: number }>({
    fault: 'user', retryable: true, message: (m) => `what was put aside for this node is spent after ${m.tokens} tokens`, next: 'Open another paid session.',
  }),
  notConnected: spec<Record<string, never>>({ fault: 'local', retryable: true, message: () => 'chain and wallet are not connected with pay now', next: 'Try again when the chain answers, and see whether this node has a wallet.' }),
  notBooked: spec<{ session: string }>({ fault: 'user', message: () => 'this home knows nothing of the paid session that the answer belongs to', next: 'Rate it on the node that paid for it.' }),
  scored: spec<{ session: string }>({ fault: 'user', message: () => 'the score of this answer\'s session is on the chain already, or came too late', next: 'Rate answers before their session is final, a day after its end.' }),
  sessionSpent: spec<{ most: string; spent: string; isTooSmall: boolean }>({
    fault: 'user', retryable: true, message: (m) => `the ${sum(m.most)} that were put aside for this session are spent`,
    next: (m) => (m.isTooSmall ? 'All of a session was too little for this answer: allow more for one (payUpTo in the settings), or fewer tokens. "Continue" goes on with a new session, and asks you before.' : 'Press "Continue", or ask again: that opens a new session, and asks you before.'),
  }),
  sessionOver: spec<{ minutes: number }>({
    fault: 'user', retryable: true, message: (m) => `the paid session is over: it lasted ${m.minutes} minutes`, next: 'Press "Continue", or ask again: that opens a new session, and asks you before.',
  }),
  notOpened: spec<{ machines: number; code: string; reason: string; next: string }>({
    fault: 'user', retryable: true, message: (m) => `${m.machines === 1 ? 'the machine is' : `the ${m.machines} machines are`} not paid, so nothing was computed: ${m.reason}`, next: (m) => m.next,
  }),
  notReady: spec<Record<string, never>>({ fault: 'local', retryable: true, message: () => 'the chain that it pays on is not reached yet', next: 'Wait a moment: this goes on by itself.' }),
  noChain: spec<Record<string, never>>({ fault: 'user', message: () => 'this node uses no chain', next: 'Set chain in config.json to the one that the machines are paid on.' }),
  unavailable: spec<Record<string, never>>({ fault: 'local', retryable: true, message: () => 'this node computes for pay, and its chain or its wallet is not there yet', next: 'Try again later.' }),
  refused: spec<{ peer: string; code: string; reason: string; again: boolean }>({
    fault: 'peer', retryable: true, message: (m) => `peer ${m.peer} refuses: ${m.reason}`, next: 'Choose another peer.',
  }),
  bookDamaged: spec<{ path: string; reason: string }>({
    fault: 'local', message: (m) => `the book of paid sessions ${m.path} cannot be read: ${m.reason}`, next: 'Move the file away and start again; claims of sessions in it are lost unless it is repaired.',
  }),
  bookUnusable: spec<{ path: string; reason: string }>({ fault: 'local', retryable: true, message: (m) => `the book of paid sessions ${m.path} cannot be used: ${m.reason}`, next: 'Free some space, and check who may write there.' }),
  bookTooNew: spec<{ path: string; version: number }>({ fault: 'user', message: (m) => `${m.path} was written by a newer OmniNode (version ${m.version})`, next: 'Update OmniNode.' }),
});
