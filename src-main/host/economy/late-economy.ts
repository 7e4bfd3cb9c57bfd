import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ownerCalls, type EconomyService, type OwnerCall, type OwnerService } from '../../api/index.ts';
import type { Economy } from '../../../src-preload/bridge/index.ts';
import { hostErrors } from '../errors.ts';
import { nodeIdOf } from '../paid/node-id.ts';
import { chainConfigOf } from './chain-config.ts';
import { loadSum } from './load.ts';
import type { OpenEconomy, OpenedEconomy } from './open-economy.ts';

/** Where the wallet of a home is, without the libraries that read it. */
export const walletFile = (home: string): string => join(home, 'wallet.json');

/** Undefined where no chain is used. Opened at once for a wallet, a configured chain or pay, else when somebody asks for anything of it. */
export async function economyOf(init: OpenEconomy): Promise<OpenedEconomy | undefined> {
  const chain = chainConfigOf(init.config);
  if (chain === undefined) return undefined;
  const isWanted = chain.kind === 'configured' || init.pay.isWanted || existsSync(walletFile(init.config.home));
  return isWanted ? (await loadSum()).openEconomy(init) : new LateEconomy(init);
}

/** The economy of a home that may never want it: its libraries are loaded with the first question. */
class LateEconomy implements OpenedEconomy {
  readonly #init: OpenEconomy;
  #opening: Promise<OpenedEconomy> | undefined;
  #opened: OpenedEconomy | undefined;
  #isStarted = false;
  #isStopped = false;

  constructor(init: OpenEconomy) {
    this.#init = init;
  }

  get parts(): { readonly economy: EconomyService; readonly owner: OwnerService } {
    return { economy: this.#economy(), owner: this.#owner() };
  }

  async start(): Promise<void> {
    this.#isStarted = true;
    await this.#opened?.start();
  }

  look(): void {
    if (this.#opened !== undefined) this.#opened.look();
    else if (this.#init.pay.isWanted) void this.#wanted().catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#opening?.catch(() => undefined);
    await this.#opened?.stop();
  }

  #wanted(): Promise<OpenedEconomy> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<OpenedEconomy> {
    if (this.#isStopped) throw hostErrors.noChain({});
    const { openEconomy } = await loadSum();
    const opened = await openEconomy(this.#init);
    this.#opened = opened;
    if (this.#isStarted) await opened.start();
    return opened;
  }

  #economy(): EconomyService {
    const ask = async (): Promise<EconomyService> => (await this.#wanted()).parts.economy;
    const now = (): Economy => this.#opened?.parts.economy.now() ?? this.#unopened();
    return {
      now,
      get: () => {
        void ask().then((economy) => economy.get(), () => undefined);
        return now();
      },
      ledger: async (input) => (await ask()).ledger(input), earnings: async (input) => (await ask()).earnings(input), slashes: async () => (await ask()).slashes(),
      transactions: () => this.#opened?.parts.economy.transactions() ?? { transactions: [] },
      plan: async (input) => (await ask()).plan(input), bind: async (input) => (await ask()).bind(input), faucet: async (input) => (await ask()).faucet(input), request: async (input) => (await ask()).request(input), show: async (input) => (await ask()).show(input),
      lock: () => this.#opened?.parts.economy.lock(),
    };
  }

  #owner(): OwnerService {
    const ask = async (name: OwnerCall, input: never): Promise<unknown> => {
      const { owner } = (await this.#wanted()).parts;
      if (owner === undefined) throw hostErrors.noChain({});
      return owner[name](input);
    };
    return Object.fromEntries((Object.keys(ownerCalls) as OwnerCall[]).map((name) => [name, (input: never) => ask(name, input)])) as unknown as OwnerService;
  }

  #unopened(): Economy {
    const nodeId = nodeIdOf(this.#init.node.mesh.peerId);
    return { link: { status: 'starting' }, wallet: { status: 'none' }, ...(nodeId === undefined ? {} : { node: { nodeId, owner: null } }), waiting: 0, revision: 0 };
  }
}
