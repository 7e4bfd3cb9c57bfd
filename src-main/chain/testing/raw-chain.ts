import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { encodeFunctionData, parseEther, toHex } from 'viem';
import { callRpc, type RpcCall } from '../client/json-rpc.ts';
import { EMBEDDED_CHAIN_ID } from '../config.ts';
import { startAnvil, type AnvilProcess } from '../devnet/anvil-process.ts';
import { anvilPath } from '../devnet/binary.ts';
import { deployContracts, readDeployment } from '../devnet/deploy.ts';
import { abis, type ChainConfig, type ContractAddresses, type Hex } from '../index.ts';
import { newAccount, type TestAccount } from './keys.ts';

export const CONTRACTS_FOLDER = join(import.meta.dirname, '..', '..', '..', 'resources', 'contracts');

/** What the way to the chain does with a request: undefined passes it on; `lost`: it is done, and its answer never comes; `unsupported`: the node does not have the method. */
export type Fault = (call: RpcCall) => 'down' | 'lost' | 'unsupported' | Promise<void> | undefined;

/** An anvil whose mining, time and ways tests have in their hands, with the contracts, and a way to it that can fail. */
export class RawChain {
  readonly #anvil: AnvilProcess;
  readonly #folder: string;
  readonly #server = createServer((incoming, outgoing) => void this.#pass(incoming).then((text) => (text === undefined ? outgoing.destroy() : outgoing.end(text)), () => outgoing.destroy()));
  readonly contracts: ContractAddresses;
  readonly holder: TestAccount;
  fault: Fault = () => undefined;

  private constructor({ anvil, folder, contracts, holder }: { anvil: AnvilProcess; folder: string; contracts: ContractAddresses; holder: TestAccount }) {
    this.#anvil = anvil;
    this.#folder = folder;
    this.contracts = contracts;
    this.holder = holder;
  }

  static async start(): Promise<RawChain> {
    const folder = await mkdtemp(join(tmpdir(), 'omninode-anvil-'));
    const anvil = await startAnvil(anvilPath(), ['--accounts', '0', '--chain-id', String(EMBEDDED_CHAIN_ID), '--cache-path', folder, '--hardfork', 'cancun']);
    const request = (call: RpcCall): Promise<unknown> => callRpc(anvil.url, call);
    const [maker, holder] = [newAccount(), newAccount()];
    for (const { address } of [maker, holder]) await request({ method: 'anvil_setBalance', params: [address, toHex(parseEther('1000'))] });
    const contracts = await deployContracts(await readDeployment(CONTRACTS_FOLDER), { request, maker: maker.key, holder: holder.address });
    const chain = new RawChain({ anvil, folder, contracts, holder });
    chain.#server.listen(0, '127.0.0.1');
    await once(chain.#server, 'listening');
    return chain;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#anvil.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The way that can fail. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  config(over: { readonly confirmations?: number; readonly rpcUrls?: string[] } = {}): ChainConfig {
    return { kind: 'configured', chainId: EMBEDDED_CHAIN_ID, name: 'raw', rpcUrls: [this.url], contracts: this.contracts, confirmations: 0, fromBlock: 0, ...over };
  }

  /** Past all faults. */
  rpc<T = unknown>(method: string, ...params: unknown[]): Promise<T> {
    return callRpc(this.#anvil.url, { method, params }) as Promise<T>;
  }

  async mine(blocks = 1): Promise<void> {
    for (let i = 0; i < blocks; i++) await this.rpc('evm_mine');
  }

  /** Coins and SUM for somebody. */
  async fund(account: Hex, sum = parseEther('20000')): Promise<void> {
    await this.rpc('anvil_setBalance', account, toHex(parseEther('100')));
    const nonce = Number(await this.rpc<Hex>('eth_getTransactionCount', this.holder.address, 'pending'));
    const data = encodeFunctionData({ abi: abis.SumToken, functionName: 'transfer', args: [account, sum] });
    const raw = await this.holder.key.signTransaction({ type: 'eip1559', chainId: EMBEDDED_CHAIN_ID, nonce, to: this.contracts.SumToken, data, gas: 200_000n, maxFeePerGas: parseEther('0.0000001'), maxPriorityFeePerGas: 1n });
    await this.rpc('eth_sendRawTransaction', raw);
  }

  async #pass(incoming: IncomingMessage): Promise<string | undefined> {
    const parts: Buffer[] = [];
    for await (const part of incoming as AsyncIterable<Buffer>) parts.push(part);
    const body = Buffer.concat(parts).toString('utf8');
    const verdict = await this.fault(JSON.parse(body) as RpcCall);
    if (verdict === 'down') return undefined;
    if (verdict === 'unsupported') return JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: -32_601, message: 'method not found' } });
    const response = await fetch(this.#anvil.url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    const text = await response.text();
    return verdict === 'lost' ? undefined : text;
  }
}
