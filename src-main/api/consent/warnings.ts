import type { Row, Warning } from '../../chain/index.ts';

/** What a signature may do to its owner, in documents and in a terminal alike. */
export const WARNINGS: Readonly<Record<Warning, string>> = {
  'unknown-call': 'OmniNode does not know what one of these calls does. It may take everything that the account may give.',
  'unlimited-approval': 'This lets another take all SUM of the account, now and later.', 'stranger-approval': 'This lets an address take SUM that is none of OmniNode\'s contracts.',
  'sends-coins': 'Coins of the chain leave the account besides the fee.', permit: 'Whoever has this signature can use it to take what it names, without another transaction of yours.',
  'unknown-domain': 'This is for a program that is none of OmniNode\'s contracts.', 'other-chain': 'This is for another chain than this one, or for any.',
  'unreadable-message': 'This message is no readable text. It may stand for anything.', 'gives-node': 'That account gets the node: whoever has its key has stake, pay and rewards, and nothing here can take it back.', reverts: 'Tried now, this fails. Its fee would be lost.', 'not-simulated': 'It could not be tried; whether it works is unknown.',
};

/** What a proof of a fault shows. */
export const FAULTS: Readonly<Record<Extract<Row['note'], { kind: 'fault' }>['evidence'], string>> = {
  contradiction: 'two different bills that the node signed for one session', 'double-claim': 'two bills that the node signed for the same work in two sessions', ruling: 'what a committee ruled about a session', unknown: 'nothing that is known here',
};
