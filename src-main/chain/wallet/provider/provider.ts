import { bytesToHex, isHex, numberToHex, stringToBytes } from 'viem';
import { z } from 'zod';
import { firstIssue } from '../../../base/index.ts';
import type { Call, ChainNetwork, Hex } from '../../types.ts';
import { networkOf, type BatchSender } from '../batch-sender.ts';
import type { Consents } from '../consents.ts';
import { describeMessage } from '../describe/message.ts';
import { isSame, type Viewer } from '../describe/rows.ts';
import { describeTyped } from '../describe/typed.ts';
import { walletErrors } from '../errors.ts';
import type { WalletChain, WalletOutbox } from '../ports.ts';
import type { Asker } from '../types.ts';
import type { Wallet } from '../wallet.ts';
import { callsStatus } from './calls-status.ts';
import { boundedFilter } from './logs.ts';
import { rpcErrorOf, type RpcError } from './rpc-error.ts';
import {
  callsIdSchema, capabilitiesSchema, filterSchema, permissionsSchema, personalSignSchema, PROVIDER_LIMITS, READS, sendCallsSchema, sendTransactionSchema, switchSchema, typedDataSchema, type ReadMethod,
} from './schemas.ts';

export interface WalletProviderInit {
  readonly wallet: Wallet;
  readonly consents: Consents;
  readonly chain: WalletChain;
  readonly outbox: WalletOutbox;
  readonly sender: BatchSender;
  /** In whose name is asked. */
  readonly asker: Asker;
}

export interface RpcRequest {
  readonly method: string;
  readonly params?: readonly unknown[];
}

export type RpcAnswer = { readonly result: unknown } | { readonly error: RpcError };
type Params = readonly unknown[];

/** EIP-1193 over a list of methods; anything else is refused. What needs a signature goes through `Consents`, and is answered when the owner decided. */
export class WalletProvider {
  readonly #init: WalletProviderInit;
  readonly #methods: Readonly<Record<string, (params: Params, method: string) => unknown>>;

  constructor(init: WalletProviderInit) {
    this.#init = init;
    this.#methods = {
      eth_accounts: () => this.#accounts(), eth_requestAccounts: () => [init.wallet.address],
      eth_chainId: () => numberToHex(networkOf(init.chain).chainId), net_version: () => String(networkOf(init.chain).chainId),
      eth_getLogs: (params, method) => this.#logs(params, method),
      eth_sendTransaction: (params, method) => this.#sendTransaction(params, method),
      personal_sign: (params, method) => this.#personalSign(params, method),
      eth_signTypedData_v4: (params, method) => this.#signTyped(params, method),
      wallet_sendCalls: (params, method) => this.#sendCalls(params, method),
      wallet_getCallsStatus: (params, method) => callsStatus(init, parse(callsIdSchema, params, method)[0]),
      wallet_getCapabilities: (params, method) => this.#capabilities(params, method),
      wallet_switchEthereumChain: (params, method) => this.#switchChain(params, method),
      wallet_getPermissions: () => this.#permissions(),
      wallet_requestPermissions: (params, method) => this.#requestPermissions(params, method),
      ...Object.fromEntries(Object.keys(READS).map((read) => [read, (params: Params) => this.#read(read as ReadMethod, params)])),
    };
  }

  /** Throws WALLET_*, CHAIN_*, or the chain node's error: `rpcErrorOf` gives the numbers. */
  async request({ method, params = [] }: RpcRequest): Promise<unknown> {
    const run = Object.hasOwn(this.#methods, method) ? this.#methods[method] : undefined;
    if (run === undefined) throw walletErrors.unsupported({ method: method.slice(0, 64) });
    const result = (await run(params, method)) ?? null;
    if (JSON.stringify(result).length > PROVIDER_LIMITS.resultChars) throw walletErrors.tooMuch({ what: 'characters of an answer', limit: PROVIDER_LIMITS.resultChars });
    return result;
  }

  /** `request` for a transport: what was refused is an answer too. */
  async answer(request: RpcRequest): Promise<RpcAnswer> {
    try {
      return { result: await this.request(request) };
    } catch (error) {
      return { error: rpcErrorOf(error) };
    }
  }

  #accounts(): readonly Hex[] {
    const state = this.#init.wallet.state();
    return state.status === 'none' ? [] : [state.address];
  }

  #read(method: ReadMethod, params: Params): Promise<unknown> {
    const checked = parse<z.ZodType<Params>>(READS[method], padded(params, READS[method].def.items.length), method);
    networkOf(this.#init.chain);
    return this.#init.chain.request(method, checked);
  }

  async #logs(params: Params, method: string): Promise<unknown> {
    const [filter] = parse(z.tuple([filterSchema]), params, method);
    networkOf(this.#init.chain);
    return this.#init.chain.request(method, [await boundedFilter(filter, () => this.#init.chain.request('eth_blockNumber', []))]);
  }

  #sendTransaction(params: Params, method: string): Promise<Hex> {
    const [{ from, to, data, input, value = '0x0', chainId }] = parse(sendTransactionSchema, params, method);
    this.#checkOwn(from);
    this.#checkChain(chainId);
    if (data !== undefined && input !== undefined && data !== input) throw walletErrors.badParams({ method, reason: 'data and input differ' });
    const call: Omit<Call, 'what'> = { to, data: data ?? input ?? '0x', value: BigInt(value) };
    return this.#init.sender.sendOne({ asker: this.#init.asker, calls: [call] });
  }

  async #sendCalls(params: Params, method: string): Promise<{ readonly id: string }> {
    const [{ id, from, chainId, atomicRequired, calls, capabilities = {} }] = parse(sendCallsSchema, params, method);
    this.#checkOwn(from);
    this.#checkChain(chainId);
    if (atomicRequired) throw walletErrors.noAtomic({});
    if (calls.length > PROVIDER_LIMITS.calls) throw walletErrors.tooMuch({ what: 'calls of a batch', limit: PROVIDER_LIMITS.calls });
    checkCapabilities([capabilities, ...calls.map((call) => call.capabilities ?? {})]);
    const order = { asker: this.#init.asker, calls: calls.map(({ to, data, value }) => ({ to, data, value: BigInt(value) })) };
    return { id: await this.#init.sender.send(id === undefined ? order : { ...order, id }) };
  }

  async #personalSign(params: Params, method: string): Promise<Hex | undefined> {
    const [message, from] = parse(personalSignSchema, params, method);
    this.#checkOwn(from);
    const bytes: Hex = isHex(message) && message.length % 2 === 0 ? message : bytesToHex(stringToBytes(message));
    if (bytes.length > 2 * PROVIDER_LIMITS.messageBytes + 2) throw walletErrors.tooMuch({ what: 'bytes of a message', limit: PROVIDER_LIMITS.messageBytes });
    return this.#sign(describeMessage(bytes, this.#viewer()));
  }

  async #signTyped(params: Params, method: string): Promise<Hex | undefined> {
    const [from, typed] = parse(typedDataSchema, params, method);
    this.#checkOwn(from);
    return this.#sign(describeTyped(typed, this.#viewer()));
  }

  async #sign(subject: ReturnType<typeof describeMessage> | ReturnType<typeof describeTyped>): Promise<Hex | undefined> {
    const { signature } = await this.#init.consents.ask({ asker: this.#init.asker, subject });
    return signature;
  }

  #capabilities(params: Params, method: string): unknown {
    const [own, chainIds] = parse(capabilitiesSchema, padded(params, 2), method);
    this.#checkOwn(own);
    const chainId = numberToHex(networkOf(this.#init.chain).chainId);
    return chainIds === undefined || chainIds.some((id) => BigInt(id) === BigInt(chainId)) ? { [chainId]: { atomic: { status: 'unsupported' } } } : {};
  }

  #switchChain(params: Params, method: string): null {
    const [{ chainId }] = parse(switchSchema, params, method);
    this.#checkChain(chainId);
    return null;
  }

  #permissions(): readonly unknown[] {
    const accounts = this.#accounts();
    return accounts.length === 0 ? [] : [{ parentCapability: 'eth_accounts', caveats: [{ type: 'restrictReturnedAccounts', value: accounts }] }];
  }

  #requestPermissions(params: Params, method: string): readonly unknown[] {
    parse(permissionsSchema, params, method);
    return this.#init.wallet.address === undefined ? [] : this.#permissions();
  }

  #viewer(): Viewer {
    return { network: this.#network(), own: this.#init.wallet.address };
  }

  #network(): ChainNetwork {
    return networkOf(this.#init.chain);
  }

  #checkOwn(from: Hex | undefined): void {
    const own = this.#init.wallet.address;
    if (from !== undefined && !isSame(from, own)) throw walletErrors.notYours({});
  }

  #checkChain(chainId: Hex | undefined): void {
    const own = this.#network().chainId;
    if (chainId !== undefined && BigInt(chainId) !== BigInt(own)) throw walletErrors.otherChain({ chainId: Number(chainId), own });
  }
}

/** Left out at the end means: as the schema says. */
const padded = (params: Params, length: number): Params => [...params, ...Array.from({ length: Math.max(0, length - params.length) }, () => undefined)];

function parse<S extends z.ZodType>(schema: S, params: Params, method: string): z.output<S> {
  const parsed = schema.safeParse(params);
  if (!parsed.success) throw walletErrors.badParams({ method, reason: firstIssue(parsed.error).slice(0, 200) });
  return parsed.data;
}

function checkCapabilities(all: ReadonlyArray<Readonly<Record<string, unknown>>>): void {
  for (const [capability, value] of all.flatMap((capabilities) => Object.entries(capabilities))) {
    const isOptional = typeof value === 'object' && value !== null && (value as { optional?: unknown }).optional === true;
    if (!isOptional) throw walletErrors.noCapability({ capability: capability.slice(0, 100) });
  }
}
