import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultHeld } from './fault-messages.ts';
import { FaultMesh, type FaultNode } from './fault-mesh.ts';
import { seeded } from './models/index.ts';
import type { NetworkHost } from './network.ts';

export interface ChurnOptions {
  /** Where the nodes run, in turn. */
  readonly hosts: readonly NetworkHost[];
  /** Nodes that stay, each a member to all. */
  readonly staying: number;
  /** Nodes that come and go: always as many. */
  readonly coming: number;
  /**
   * Asked before each change, with how many there were: one of them goes, in order or killed, and another takes its place, under its old
   * identity or as somebody new.
   */
  readonly goesOn: (changes: number) => boolean;
  /** From one change to the next, finished or not; 0: one after the other. */
  readonly everyMs: number;
  readonly seed: number;
  readonly timeoutMs: number;
  readonly onChange?: (done: number) => void;
}

export interface Sample {
  readonly atMs: number;
  readonly held: FaultHeld;
}

export interface ChurnResult {
  readonly ordered: number;
  readonly killed: number;
  readonly returned: number;
  /** How those ended that left in order, where it was not well. */
  readonly badEnds: readonly (number | string)[];
  readonly wrong: readonly string[];
  /** From the last change until everybody hears everybody and speaks with those that stay. */
  readonly oneAgainMs: number;
  /** Of each node that stays, while the others come and go. */
  readonly samples: readonly (readonly Sample[])[];
  /** Of each node that stays: before anybody came, and after all had left again. */
  readonly alone: readonly { readonly before: FaultHeld; readonly after: FaultHeld }[];
}

/** What one that left in order may leave behind: nothing. Throws when a node ends by itself, or they do not become one in time. */
export async function churn(options: ChurnOptions): Promise<ChurnResult> {
  const home = await mkdtemp(join(tmpdir(), 'omninode-churn-'));
  const run = new ChurnRun(options, home);
  try {
    return await run.run();
  } finally {
    run.mesh.kill();
    await rm(home, { recursive: true });
  }
}

interface Scene {
  readonly staying: readonly FaultNode[];
  /** Who is in each of the places of those that come and go. */
  readonly there: FaultNode[];
}

class ChurnRun {
  readonly mesh = new FaultMesh();
  readonly #options: ChurnOptions;
  readonly #home: string;
  readonly #random: () => number;
  readonly #counts = { ordered: 0, killed: 0, returned: 0 };
  readonly #badEnds: (number | string)[] = [];
  readonly #wrong: string[] = [];
  /** How many have been in a place before. */
  readonly #identities = new Map<number, number>();
  #names = 0;

  constructor(options: ChurnOptions, home: string) {
    this.#options = options;
    this.#home = home;
    this.#random = seeded(options.seed);
  }

  async run(): Promise<ChurnResult> {
    const { coming, timeoutMs } = this.#options;
    const staying = await this.#startStaying();
    await this.mesh.isOne(timeoutMs);
    const before = await Promise.all(staying.map((node) => node.held()));
    const there = await Promise.all(Array.from({ length: coming }, (_, slot) => this.#start(addressesOf(staying), this.#identityOf(slot))));
    await this.mesh.isOne(timeoutMs);
    const samples = await this.#change({ staying, there });
    const oneAgainMs = await this.mesh.isOne(timeoutMs);
    const alone = await this.#leaveAlone(staying, there, before);
    for (const node of staying) this.#wrong.push(...node.wrong);
    this.#badEnds.push(...(await this.mesh.stop()).filter((end) => end !== 0));
    return { ...this.#counts, badEnds: this.#badEnds, wrong: this.#wrong, oneAgainMs, samples, alone };
  }

  /** One after the other: each is told of those before it, and they of none that is not there. */
  async #startStaying(): Promise<FaultNode[]> {
    const staying: FaultNode[] = [];
    for (let i = 0; i < this.#options.staying; i++) staying.push(await this.#start(addressesOf(staying), `stays-${i}`));
    return staying;
  }

  /** `identity`: the name of a folder with a key and an address book; who comes back finds both there. */
  async #start(members: readonly string[], identity: string): Promise<FaultNode> {
    const index = this.#names++;
    const host = this.#options.hosts[index % this.#options.hosts.length];
    if (host === undefined) throw new TypeError('no host');
    const home = join(this.#home, identity);
    await mkdir(home, { recursive: true });
    return this.mesh.start(host, { name: `node${index}`, listen: [`/ip4/${host.address}/tcp/0`], members, home, identityPath: join(home, 'identity.key') });
  }

  async #change({ staying, there }: Scene): Promise<Sample[][]> {
    const { goesOn, everyMs, onChange } = this.#options;
    const samples: Sample[][] = staying.map(() => []);
    const changing = new Map<number, Promise<unknown>>();
    for (let done = 0; goesOn(done); done++) {
      if (changing.size === there.length) await Promise.race(changing.values());
      const free = there.flatMap((_, slot) => (changing.has(slot) ? [] : [slot]));
      const slot = free[Math.floor(this.#random() * free.length)] as number;
      const change = this.#replace(slot, { staying, there }).finally(() => changing.delete(slot));
      changing.set(slot, change);
      await (everyMs === 0 ? change : delay(everyMs));
      for (const [i, node] of staying.entries()) samples[i]?.push({ atMs: performance.now(), held: await node.held() });
      onChange?.(done + 1);
    }
    await Promise.all(changing.values());
    return samples;
  }

  async #replace(slot: number, { staying, there }: Scene): Promise<void> {
    const [isReturning, isOrdered] = [this.#random() < 0.5, this.#random() < 0.5];
    if (isReturning) this.#counts.returned++;
    else this.#identities.set(slot, 1 + (this.#identities.get(slot) ?? 0));
    await this.#leave(there[slot] as FaultNode, isOrdered);
    there[slot] = await this.#start(addressesOf(staying), this.#identityOf(slot));
  }

  #identityOf(slot: number): string {
    return `comes-${slot}-${this.#identities.get(slot) ?? 0}`;
  }

  async #leave(node: FaultNode, isOrdered: boolean): Promise<void> {
    this.mesh.forget(node);
    this.#counts[isOrdered ? 'ordered' : 'killed']++;
    this.#wrong.push(...node.wrong);
    if (!isOrdered) {
      // One that had ended by itself before would have been missed.
      if (node.exit !== undefined) this.#badEnds.push(node.exit);
      node.kill();
      return void await node.exited;
    }
    const end = await node.stop();
    if (end !== 0) this.#badEnds.push(end);
  }

  async #leaveAlone(staying: readonly FaultNode[], there: readonly FaultNode[], before: readonly FaultHeld[]): Promise<ChurnResult['alone']> {
    await Promise.all(there.map((node) => this.#leave(node, true)));
    await this.mesh.until(() => staying.every(({ connected }) => connected.size === staying.length - 1), { timeoutMs: this.#options.timeoutMs });
    const after = await Promise.all(staying.map((node) => node.held()));
    return after.map((held, i) => ({ before: before[i] as FaultHeld, after: held }));
  }
}

const addressesOf = (nodes: readonly FaultNode[]): string[] => nodes.map(({ addresses: [address] }) => address as string);
