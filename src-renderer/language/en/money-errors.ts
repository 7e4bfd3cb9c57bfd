import { sumOf } from '../error-values.ts';

type Reason = { readonly reason: string };
type Path = { readonly path: string };
type File = Path & Reason;

const askAndDecide = 'Ask again, and decide in the document that opens.';
const continueAndPay = 'Press "Continue", or ask again: that opens a new session, and asks you before.';
const machinesWere = (machines: number): string => (machines === 1 ? 'the machine is' : `the ${machines} machines are`);

/** Errors of chain, wallet and pay. Where the next step is not here, the node gives one for the case. */
export const moneyErrors = {
  CHAIN_BAD_ANSWER: { message: (m: Reason & { readonly method: string }) => `the chain's answer to ${m.method} cannot be used: ${m.reason}`, next: 'Use another RPC address.' },
  CHAIN_DAMAGED: { message: (m: File) => `${m.path} is damaged: ${m.reason}`, next: 'Restore the file from a copy, or move it away: a new one is begun.' },
  CHAIN_DOWN: {
    message: (m: Reason) => `the chain does not answer: ${m.reason}`,
    next: 'Check the network and the RPC addresses. Transactions that you agreed to are kept and go on when the chain answers again; ask for anything else again then.',
  },
  CHAIN_FEE_TOO_HIGH: {
    message: (m: { readonly needWei: string; readonly maxWei: string }) => `fees are ${m.needWei} wei at present, more than the ${m.maxWei} that were agreed to`, next: 'Wait until fees fall, or ask again with a higher fee.',
  },
  CHAIN_IN_USE: { message: (m: Path) => `another OmniNode runs the test chain in ${m.path}`, next: 'Stop it, or choose another home folder.' },
  CHAIN_NO_ANVIL: { message: (m: Reason) => `the test chain cannot be started: ${m.reason}`, next: 'Install the dependencies again (npm ci), or configure another chain.' },
  CHAIN_NO_FUNDS: {
    message: (m: { readonly account: string; readonly needWei: string; readonly haveWei: string }) => `${m.account} has ${m.haveWei} wei for fees and value, ${m.needWei} are needed`, next: 'Send coins for fees to the account.',
  },
  CHAIN_NO_SIGNER: { message: (m: { readonly account: string }) => `nobody here signs for ${m.account}`, next: 'Unlock the wallet of this account.' },
  CHAIN_NONCE_TAKEN: { message: (m: { readonly account: string; readonly nonce: number }) => `another program keeps sending with ${m.account} (nonce ${m.nonce})`, next: 'Use an account in one program only, and ask again.' },
  CHAIN_NOT_RUNNING: { message: 'the chain has not been started', next: 'Start it first.' },
  CHAIN_NOT_SENT: { message: (m: Reason) => `this was not sent: ${m.reason}`, next: 'Ask again.' },
  CHAIN_REFUSED: { message: (m: Reason & { readonly method: string }) => `the chain refused ${m.method}: ${m.reason}`, next: 'Check what was asked for.' },
  CHAIN_REVERTED: { message: (m: Reason & { readonly contract: string }) => `the contract ${m.contract} refuses: ${m.reason}`, next: 'Look at what stands on the chain now, and ask again.' },
  CHAIN_TOO_NEW: { message: (m: Path & { readonly version: number }) => `${m.path} was written by a newer OmniNode (version ${m.version})`, next: 'Update OmniNode, or choose another home folder.' },
  CHAIN_UNUSABLE: { message: (m: File) => `${m.path} cannot be used: ${m.reason}`, next: 'Check the folder, its permissions and the room on the disk.' },
  CHAIN_WRONG_NETWORK: { message: (m: Reason) => `this is not the chain of SUM: ${m.reason}`, next: 'Correct chain id, RPC addresses and contract addresses in the settings.' },
  ECONOMY_BAD_ACCOUNT: { message: (m: { readonly account: string }) => `${m.account} is no address of an account, or was mistyped`, next: 'Copy it out of the wallet that it is of.' },
  ECONOMY_BINDING_NOT_APPROVED: {
    message: (m: { readonly account: string }) => `the owner has not approved that this node is bound to ${m.account}`, next: 'Ask for it: it is decided in a document of the node\'s own, or by `omninode wallet bind-external`.',
  },
  ECONOMY_FAUCET_EMPTY: { message: 'the faucet gave all that it gives in a day', next: 'Come back tomorrow.' },
  ECONOMY_NO_FAUCET: { message: 'only the local test chain gives SUM away', next: 'Get SUM from somebody who has some.' },
  ECONOMY_NOT_POSSIBLE: { message: (m: Reason) => m.reason, next: 'Look at the ledger, and ask for what it allows.' },
  HOST_WANT_PAY: {
    message: (m: Reason & { readonly model: string; readonly machines: number }) => `${m.machines === 1 ? 'a machine' : `${m.machines} machines`} would compute ${m.model} for pay, and cannot be paid: ${m.reason}`,
  },
  PAY_BOOK_DAMAGED: { message: (m: File) => `the book of paid sessions ${m.path} cannot be read: ${m.reason}`, next: 'Move the file away and start again; claims of sessions in it are lost unless it is repaired.' },
  PAY_BOOK_TOO_NEW: { message: (m: Path & { readonly version: number }) => `${m.path} was written by a newer OmniNode (version ${m.version})`, next: 'Update OmniNode.' },
  PAY_BOOK_UNUSABLE: { message: (m: File) => `the book of paid sessions ${m.path} cannot be used: ${m.reason}`, next: 'Free some space, and check who may write there.' },
  PAY_NO_CHAIN: { message: 'this node uses no chain', next: 'Set chain in config.json to the one that the machines are paid on.' },
  PAY_NOT_ACTIVE: { message: (m: { readonly peer: string }) => `peer ${m.peer} has not staked what paid work asks for`, next: 'Choose another node; its owner can stake more.' },
  PAY_NOT_BOOKED: { message: 'this home knows nothing of the paid session that the answer belongs to', next: 'Rate it on the node that paid for it.' },
  PAY_NOT_CONNECTED: { message: 'chain and wallet are not connected with pay now', next: 'Try again when the chain answers, and see whether this node has a wallet.' },
  PAY_NOT_OPENED: { message: (m: Reason & { readonly machines: number }) => `${machinesWere(m.machines)} not paid, so nothing was computed: ${m.reason}` },
  PAY_NOT_PAYING: { message: 'this node pays nobody', next: 'Say what a session may cost at most (payUpTo in the settings), or choose machines that ask for nothing.' },
  PAY_NOT_READY: { message: 'the chain that it pays on is not reached yet', next: 'Wait a moment: this goes on by itself.' },
  PAY_OTHER_CHAIN: {
    message: (m: { readonly peer: string; readonly chainId: number; readonly settlement: string }) => `peer ${m.peer} is paid on chain ${m.chainId} by ${m.settlement}, this node pays elsewhere`, next: 'Choose nodes that use the same chain.',
  },
  PAY_OVER: { message: 'the paid session is over', next: 'Open another paid session.' },
  PAY_REFUSED: { message: (m: Reason & { readonly peer: string }) => `peer ${m.peer} refuses: ${m.reason}`, next: 'Choose another peer.' },
  PAY_SCORED: { message: 'the score of this answer\'s session is on the chain already, or came too late', next: 'Rate answers before their session is final, a day after its end.' },
  PAY_SESSION_OVER: { message: (m: { readonly minutes: number }) => `the paid session is over: it lasted ${m.minutes} minutes`, next: continueAndPay },
  PAY_SESSION_SPENT: {
    message: (m: { readonly most: string }) => `the ${sumOf(m.most)} SUM that were put aside for this session are spent`,
    next: (m: { readonly isTooSmall: boolean }) => (m.isTooSmall ? 'All of a session was too little for this answer: allow more for one (payUpTo in the settings), or fewer tokens. "Continue" goes on with a new session, and asks you before.' : continueAndPay),
  },
  PAY_SILENT: { message: (m: { readonly peer: string; readonly timeoutMs: number }) => `peer ${m.peer} did not answer about pay within ${m.timeoutMs} ms`, next: 'Choose another peer, or try again.' },
  PAY_TOO_DEAR: {
    message: (m: { readonly wanted: string; readonly most: string; readonly nodes: number }) => `${m.nodes} nodes cannot be paid out of ${sumOf(m.most)} SUM: each needs ${sumOf(m.wanted)} SUM or more`, next: 'Allow more for a session, or choose cheaper nodes.',
  },
  PAY_TOO_MANY_NODES: { message: (m: { readonly nodes: number; readonly most: number }) => `a paid session has at most ${m.most} nodes, these are ${m.nodes}`, next: 'Plan with fewer nodes.' },
  WALLET_BAD_KEY: { message: 'this is no private key', next: 'Give 64 hex digits.' },
  WALLET_BAD_KEYSTORE: { message: (m: Reason) => `this file is no keystore that can be imported: ${m.reason}`, next: 'Export it anew (version 3, scrypt or PBKDF2), or import the phrase.' },
  WALLET_BAD_PHRASE: { message: (m: Reason) => `this is no phrase of BIP-39: ${m.reason}`, next: 'Check each word and their order.' },
  WALLET_CHANGED: { message: 'what was shown is not what waits now, or was decided already', next: 'Look at it again.' },
  WALLET_EXISTS: { message: (m: Path) => `there is a wallet already: ${m.path}`, next: 'Export it, move the file away, then try again.' },
  WALLET_EXPIRED: { message: (m: { readonly afterMs: number }) => `nobody decided within ${Math.round(m.afterMs / 60_000)} minutes`, next: askAndDecide },
  WALLET_LOCKED: { message: 'the wallet is locked', next: 'Unlock it with its password.' },
  WALLET_NO_CHAIN: { message: 'no chain is there', next: 'Wait until the chain has started, or name one in config.json.' },
  WALLET_NO_PHRASE: { message: 'this wallet was imported without a phrase', next: 'Export it as a file instead.' },
  WALLET_NONE: { message: 'there is no wallet in this home', next: 'Create or import one: in the page\'s Wallet, or with `omninode wallet create`.' },
  WALLET_NOT_CONSENTED: { message: (m: Reason) => `this was not consented to: ${m.reason}`, next: askAndDecide },
  WALLET_NOTHING_WAITS: { message: 'no decision waits', next: 'Ask for something first.' },
  WALLET_PASSWORD_NEEDED: { message: (m: { readonly why: string }) => `this needs the password: ${m.why}`, next: 'Give the password, or refuse.' },
  WALLET_READABLE_BY_OTHERS: { message: (m: Path & { readonly mode: string }) => `other users of this machine may read ${m.path} (mode ${m.mode})`, next: (m: Path) => `Run \`chmod 600 ${m.path}\`, then change the password.` },
  WALLET_REFUSED: { message: 'the owner refused', next: askAndDecide },
  WALLET_SEALED: { message: (m: Path) => `${m.path} was sealed by the desktop app for this user, and cannot be opened here`, next: 'Use the desktop app, or import the phrase in a home of its own.' },
  WALLET_TOO_MANY_ATTEMPTS: { message: (m: { readonly retryAfterMs: number }) => `too many wrong passwords; the next try is possible in ${Math.ceil(m.retryAfterMs / 1000)} s`, next: 'Wait, then try again.' },
  WALLET_TOO_MANY_WAITING: { message: (m: { readonly limit: number }) => `${m.limit} decisions wait already`, next: 'Decide them first.' },
  WALLET_UNREADABLE: { message: (m: File) => `${m.path} is no wallet that OmniNode can read: ${m.reason}`, next: 'Move the file away, and import the phrase or an exported file.' },
  WALLET_WEAK_PASSWORD: { message: (m: { readonly least: number; readonly most: number }) => `a password has ${m.least} to ${m.most} characters`, next: 'Choose a longer one: four random words, for example.' },
  WALLET_WRONG_PASSWORD: { message: 'this is not the password of the wallet', next: 'Try again. Without the password only the phrase helps.' },
} as const;
