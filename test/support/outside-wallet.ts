import type { Page } from 'playwright-core';
import { createWalletClient, defineChain, http, numberToHex, publicActions, type Hex, type WalletClient } from 'viem';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';

interface Told {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

const refused = (code: number, message: string): Told => ({ error: { code, message } });

/** A wallet that the browser has, with a key of its own in the test's process: the page sees an EIP-1193 provider. */
export class OutsideWallet {
  readonly account: PrivateKeyAccount = privateKeyToAccount(generatePrivateKey());
  /** What its owner says to the next transactions; `leave`: nothing, for ever. */
  readonly answers: ('agree' | 'refuse' | 'leave')[] = [];
  /** Functions that were sent, by their first four bytes. */
  readonly sent: Hex[] = [];
  /** Chains that it was asked to add (EIP-3085). */
  readonly added: unknown[] = [];
  chainId = 1;
  readonly #page: Page;
  readonly #known = new Map<number, WalletClient>();

  private constructor(page: Page) {
    this.#page = page;
  }

  /** In the page from its next load on. */
  static async in(page: Page): Promise<OutsideWallet> {
    const wallet = new OutsideWallet(page);
    await page.exposeFunction('outsideWallet', (method: string, params: readonly unknown[]) => wallet.#answer(method, params));
    await page.addInitScript(inject);
    return wallet;
  }

  /** As its owner does in its own window. */
  async goTo(chainId: number): Promise<void> {
    this.chainId = chainId;
    await this.#page.evaluate((id) => (globalThis as unknown as { tellOutside(name: string, value: unknown): void }).tellOutside('chainChanged', id), numberToHex(chainId));
  }

  async #answer(method: string, [first]: readonly unknown[]): Promise<Told> {
    switch (method) {
      case 'eth_chainId': return { result: numberToHex(this.chainId) };
      case 'eth_accounts': case 'eth_requestAccounts': return { result: [this.account.address] };
      case 'wallet_requestPermissions': return { result: [{ parentCapability: 'eth_accounts', caveats: [{ type: 'restrictReturnedAccounts', value: [this.account.address] }] }] };
      case 'wallet_switchEthereumChain': return this.#switch(Number((first as { chainId: string }).chainId));
      case 'wallet_addEthereumChain': return this.#add(first as { chainId: string; chainName: string; rpcUrls: string[] });
      case 'eth_getCode': return { result: (await this.#known.get(this.chainId)?.extend(publicActions).getCode({ address: first as Hex })) ?? '0x' };
      case 'eth_sendTransaction': return this.#send(first as { to: Hex; data: Hex; from: Hex });
      default: return refused(4200, `${method} is not offered`);
    }
  }

  async #switch(chainId: number): Promise<Told> {
    if (!this.#known.has(chainId)) return refused(4902, 'this chain is not known');
    await this.goTo(chainId);
    return { result: null };
  }

  async #add(asked: { readonly chainId: string; readonly chainName: string; readonly rpcUrls: readonly string[] }): Promise<Told> {
    this.added.push(asked);
    const [id, url = ''] = [Number(asked.chainId), asked.rpcUrls[0]];
    const chain = defineChain({ id, name: asked.chainName, nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [url] } } });
    // As an extension's requests come.
    this.#known.set(id, createWalletClient({ account: this.account, chain, transport: http(url, { fetchOptions: { headers: { origin: `chrome-extension://${'a'.repeat(32)}` } } }) }));
    return this.#switch(id);
  }

  async #send({ to, data }: { readonly to: Hex; readonly data: Hex }): Promise<Told> {
    const [answer, client] = [this.answers.shift() ?? 'agree', this.#known.get(this.chainId)];
    if (answer === 'leave') return new Promise(() => undefined);
    if (answer === 'refuse') return refused(4001, 'the owner refused');
    if (client === undefined) return refused(4901, 'not on that chain');
    const hash = await client.sendTransaction({ account: this.account, chain: client.chain, to, data });
    this.sent.push(data.slice(0, 10) as Hex);
    return { result: hash };
  }
}

/** Runs in the page, as extensions put it there. */
function inject(): void {
  const there = globalThis as unknown as { outsideWallet(method: string, params: readonly unknown[]): Promise<Told> };
  const hearers = new Map<string, ((value: unknown) => void)[]>();
  const request = async ({ method, params = [] }: { method: string; params?: readonly unknown[] }): Promise<unknown> => {
    const { result, error } = await there.outsideWallet(method, params);
    if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
    return result;
  };
  const on = (name: string, hear: (value: unknown) => void): void => void hearers.set(name, [...hearers.get(name) ?? [], hear]);
  const removeListener = (name: string, hear: (value: unknown) => void): void => void hearers.set(name, (hearers.get(name) ?? []).filter((one) => one !== hear));
  Object.assign(globalThis, { ethereum: { request, on, removeListener }, tellOutside: (name: string, value: unknown) => { for (const hear of hearers.get(name) ?? []) hear(value); } });
}
