import { defineErrors, spec, utcMinute } from '../base/index.ts';

type File = { readonly path: string; readonly reason: string };

export const chainErrors = defineErrors('CHAIN', {
  down: spec<{ reason: string; urls?: readonly string[] }>({
    fault: 'local', retryable: true, message: (m) => `the chain does not answer: ${m.reason}`,
    next: 'Check the network and the RPC addresses. Transactions that you agreed to are kept and go on when the chain answers again; ask for anything else again then.',
  }),
  wrongNetwork: spec<{ reason: string }>({ fault: 'user', message: (m) => `this is not the chain of SUM: ${m.reason}`, next: 'Correct chain id, RPC addresses and contract addresses in the settings.' }),
  badAnswer: spec<{ method: string; reason: string }>({ fault: 'peer', retryable: true, message: (m) => `the chain's answer to ${m.method} cannot be used: ${m.reason}`, next: 'Use another RPC address.' }),
  refused: spec<{ method: string; rpcCode: number; reason: string }>({ fault: 'local', message: (m) => `the chain refused ${m.method}: ${m.reason}`, next: 'Check what was asked for.' }),
  methodUnsupported: spec<{ method: string }>({ fault: 'user', message: (m) => `${m.method} cannot be called here`, next: 'Use one of the chain\'s own methods; those of test nodes are closed.' }),
  reverted: spec<{ contract?: string; error?: string; args: Readonly<Record<string, string>>; reason: string }>({
    fault: 'user', message: (m) => `the contract${m.contract === undefined ? '' : ` ${m.contract}`} refuses: ${m.reason}`, next: 'Look at what stands on the chain now, and ask again.',
  }),
  feeTooHigh: spec<{ needWei: string; maxWei: string }>({ fault: 'user', retryable: true, message: (m) => `fees are ${m.needWei} wei at present, more than the ${m.maxWei} that were agreed to`, next: 'Wait until fees fall, or ask again with a higher fee.' }),
  noFunds: spec<{ account: string; needWei: string; haveWei: string }>({ fault: 'user', retryable: true, message: (m) => `${m.account} has ${m.haveWei} wei for fees and value, ${m.needWei} are needed`, next: 'Send coins for fees to the account.' }),
  nonceTaken: spec<{ account: string; nonce: number }>({ fault: 'user', message: (m) => `another program keeps sending with ${m.account} (nonce ${m.nonce})`, next: 'Use an account in one program only, and ask again.' }),
  notSent: spec<{ reason: string }>({ fault: 'user', message: (m) => `this was not sent: ${m.reason}`, next: 'Ask again.' }),
  noSigner: spec<{ account: string }>({ fault: 'user', retryable: true, message: (m) => `nobody here signs for ${m.account}`, next: 'Unlock the wallet of this account.' }),
  unknownBatch: spec<{ id: string }>({ fault: 'user', message: (m) => `nothing was asked for under ${m.id}`, next: 'Look at the list of transactions.' }),
  noAnvil: spec<{ reason: string }>({ fault: 'local', message: (m) => `the test chain cannot be started: ${m.reason}`, next: 'Install the dependencies again (npm ci), or configure another chain.' }),
  inUse: spec<{ path: string }>({ fault: 'user', retryable: true, message: (m) => `another OmniNode runs the test chain in ${m.path}`, next: 'Stop it, or choose another home folder.' }),
  damaged: spec<File>({ fault: 'local', message: (m) => `${m.path} is damaged: ${m.reason}`, next: 'Restore the file from a copy, or move it away: a new one is begun.' }),
  tooNew: spec<{ path: string; version: number }>({ fault: 'user', message: (m) => `${m.path} was written by a newer OmniNode (version ${m.version})`, next: 'Update OmniNode, or choose another home folder.' }),
  unusable: spec<File>({ fault: 'local', message: (m) => `${m.path} cannot be used: ${m.reason}`, next: 'Check the folder, its permissions and the room on the disk.' }),
  notRunning: spec<Record<string, never>>({ fault: 'local', retryable: true, message: () => 'the chain has not been started', next: 'Start it first.' }),
});

export const economyErrors = defineErrors('ECONOMY', {
  notPossible: spec<{ op: string; reason: string }>({ fault: 'user', message: (m) => m.reason, next: 'Look at the ledger, and ask for what it allows.' }),
  badAccount: spec<{ account: string }>({ fault: 'user', message: (m) => `${m.account} is no address of an account, or was mistyped`, next: 'Copy it out of the wallet that it is of.' }),
  bindingNotApproved: spec<{ account: string }>({ fault: 'user', message: (m) => `the owner has not approved that this node is bound to ${m.account}`, next: 'Ask for it: it is decided in a document of the node\'s own, or by `omninode wallet bind-external`.' }),
  noFaucet: spec<Record<string, never>>({ fault: 'user', message: () => 'only the local test chain gives SUM away', next: 'Get SUM from somebody who has some.' }),
  noFault: spec<{ nodeId: string; reason: string }>({
    fault: 'user', message: (m) => `the contracts see no fault of node ${m.nodeId} in this proof: ${m.reason}`, next: 'Bring it as its payer saved it. A proof holds on the chain, and for the settlement, that its bills are for.',
  }),
  punished: spec<{ nodeId: string; atMs?: number; cut?: string }>({
    fault: 'user', message: (m) => `this fault of node ${m.nodeId} is punished already${m.atMs === undefined || m.cut === undefined ? '' : `: ${m.cut} SUM were cut on ${utcMinute(m.atMs)} UTC`}`,
    next: 'Nothing is left to do: a fault is punished once, and who brought it first has the reward.',
  }),
  otherChain: spec<{ chainId: number; settlement: string; own: number }>({
    fault: 'user', message: (m) => `this proof is for the settlement ${m.settlement} on chain ${m.chainId}, and this node uses another (chain ${m.own})`, next: 'Bring it from a home whose configuration names that chain.',
  }),
  faucetEmpty: spec<{ againAtMs: number }>({ fault: 'user', retryable: true, message: () => 'the faucet gave all that it gives in a day', next: 'Come back tomorrow.' }),
});
