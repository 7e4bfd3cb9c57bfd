import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeFunctionData, parseAbi, type Abi } from 'viem';
import { silentLogger } from '../../src-main/base/index.ts';
import { WalletDocuments } from '../../src-main/api/consent/index.ts';
import {
  BatchSender, Consents, Wallet, WalletProvider, type Batch, type BatchProgress, type ChainNetwork, type DecodeCall, type Hex, type TransactionSigner, type WalletChain, type WalletInit, type WalletOutbox,
} from '../../src-main/chain/index.ts';

export const PASSWORD = 'correct horse battery';
/** For tests alone: a guess costs a thousandth. */
export const CHEAP = { n: 256, r: 8, p: 1 } as const;

const at = (digit: string): Hex => `0x${digit.repeat(40)}`;
export const NETWORK: ChainNetwork = {
  kind: 'embedded', chainId: 31_337, name: 'Local test chain', confirmations: 1,
  contracts: { SumToken: at('1'), NodeRegistry: at('2'), StakingContract: at('3'), Settlement: at('4'), Committee: at('5'), VerifierContract: at('6'), RewardDistributor: at('7'), ModelRegistry: at('8') },
};

export const TOKEN_ABI = parseAbi(['function transfer(address to, uint256 value)', 'function approve(address spender, uint256 value)', 'function transferFrom(address from, address to, uint256 value)', 'function burn(uint256 value)']);
export const STAKING_ABI = parseAbi(['function stake(bytes32 nodeId, uint256 amount)', 'function withdraw(bytes32 nodeId)', 'function slash(bytes32 nodeId, bytes proofOfFault)']);
export const SETTLEMENT_ABI = parseAbi(['function openSession(bytes32 salt, uint256 durationS, bytes32[] nodeIds, uint256[] caps)']);
export const COMMITTEE_ABI = parseAbi(['function openCase(bytes32 sessionId, bytes32 nodeId, bytes evidence)']);
const KNOWN = [{ name: 'SumToken', abi: TOKEN_ABI }, { name: 'StakingContract', abi: STAKING_ABI }, { name: 'Settlement', abi: SETTLEMENT_ABI }, { name: 'Committee', abi: COMMITTEE_ABI }] as const;

/** As the chain's part decodes, over a few functions. */
export const decode: DecodeCall = (to, data) => {
  const known = KNOWN.find(({ name }) => NETWORK.contracts[name] === to.toLowerCase());
  if (known === undefined) return undefined;
  try {
    const { functionName, args = [] } = decodeFunctionData<Abi>({ abi: known.abi, data });
    const inputs = (known.abi as Abi).flatMap((item) => (item.type === 'function' && item.name === functionName ? item.inputs : []));
    return { contract: known.name, name: functionName, args: inputs.map(({ name = '', type }, index) => ({ name, type, value: args[index] })) };
  } catch {
    return undefined;
  }
};

/** A chain that answers what it is told to. */
export class ChainDouble implements WalletChain {
  network: ChainNetwork | undefined = NETWORK;
  readonly asked: { readonly method: string; readonly params: readonly unknown[] }[] = [];
  answers: Record<string, unknown> = { eth_blockNumber: '0x64' };
  simulate: WalletChain['simulate'] = () => Promise.resolve({ outcome: 'succeeds', maxFeeWei: 10n ** 15n });

  request(method: string, params: readonly unknown[]): Promise<unknown> {
    this.asked.push({ method, params });
    const answer = this.answers[method] ?? null;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }
}

/** Keeps what it is given; a test signs. */
export class OutboxDouble implements WalletOutbox {
  readonly batches = new Map<string, { readonly batch: Batch; readonly signer: TransactionSigner }>();
  readonly standing = new Map<string, BatchProgress>();

  add(batch: Batch, signer: TransactionSigner): Promise<void> {
    this.batches.set(batch.id, { batch, signer });
    return Promise.resolve();
  }

  firstHash(id: string): Promise<Hex> {
    return Promise.resolve<Hex>(this.batches.has(id) ? `0x${'ab'.repeat(32)}` : '0x');
  }

  progress(id: string): BatchProgress | undefined {
    return this.standing.get(id) ?? (this.batches.has(id) ? { status: 'queued', hashes: [] } : undefined);
  }
}

/** Wallet, decisions, provider and documents as a host composes them, over a chain that a test plays. */
export async function walletGround(init: Partial<WalletInit> = {}) {
  const home = init.home ?? (await mkdtemp(join(tmpdir(), 'omninode-wallet-')));
  const wallet = await Wallet.open({ costForTests: CHEAP, ...init, home });
  const consents = new Consents({ wallet, ...(init.clock === undefined ? {} : { clock: init.clock }) });
  const [chain, outbox] = [new ChainDouble(), new OutboxDouble()];
  const sender = new BatchSender({ wallet, consents, chain, outbox, decode });
  const provider = new WalletProvider({ wallet, consents, chain, outbox, sender, asker: { kind: 'page', name: '' } });
  const documents = new WalletDocuments({ wallet, consents, logger: silentLogger, ...(init.clock === undefined ? {} : { clock: init.clock }) });
  const stop = async (): Promise<void> => {
    consents.stop();
    wallet.lock();
    await documents.stop();
    await rm(home, { recursive: true, force: true });
  };
  return { home, wallet, consents, chain, outbox, sender, provider, documents, stop };
}

export type WalletGround = Awaited<ReturnType<typeof walletGround>>;
