import { generateKeyPair } from '@libp2p/crypto/keys';
import { noMetrics, silentLogger, type PeerId } from '../../src-main/base/index.ts';
import { Presence } from '../../src-main/mesh/capability/index.ts';
import { checkSignaturesOnce } from './check-once.ts';
import { readOnce } from './read-once.ts';
import type { LinkOptions } from './sim-links.ts';
import { SimNode } from './sim-node.ts';
import { profileOf } from './sim-profile.ts';
import { VirtualTime } from './virtual-time.ts';

export interface MeshSimOptions {
  readonly nodes: number;
  /** Members that each node dials, of those that were there before it. */
  readonly dials: number;
  /** All join within this time, one after the other. */
  readonly joinMs: number;
  /** How long nothing happens, to see what peace costs. */
  readonly peaceMs: number;
  /** Share of the nodes that are lost in one moment. */
  readonly lost: number;
  readonly links: LinkOptions;
  readonly seed: number;
  /** How long a phase may take. */
  readonly limitMs: number;
  /** Told when a phase begins, and what the one before was. */
  readonly onPhase?: (name: string, before?: SimPhase) => void;
}

export const SIM_DEFAULTS: MeshSimOptions = {
  nodes: 1000, dials: 8, joinMs: 10_000, peaceMs: 60_000, lost: 0.2, links: { latencyMs: { min: 5, max: 75 }, jitterMs: 20, loss: 0.01 }, seed: 1, limitMs: 300_000,
};

export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface SimPhase {
  /** Whether every node's directory became what is there. */
  readonly converged: boolean;
  /** Virtual, from the last change to the node that was the last to know; of each node. */
  readonly virtualMs: Spread;
  readonly durationVirtualMs: number;
  /** Of each node: what its streams carried out, without what encryption, muxer and TCP add. */
  readonly bytesPerNode: Spread;
  readonly framesPerNode: Spread;
  readonly wallMs: number;
}

export interface MeshSimResult {
  readonly join: SimPhase;
  readonly peace: SimPhase;
  readonly loss: SimPhase;
  /** Streams' bytes by protocol, all nodes and phases. */
  readonly bytesByProtocol: Readonly<Record<string, number>>;
  readonly connectionsPerNode: number;
  readonly heapBytesPerNode: number;
}

/** A node, whom it knows, and since when that is all and nobody else. */
interface Member {
  readonly node: SimNode;
  readonly presence: Presence;
  readonly known: Set<PeerId>;
}

class MeshSim {
  readonly #options: MeshSimOptions;
  readonly #time: VirtualTime;
  readonly #members: Member[] = [];
  readonly #read = readOnce();
  /** Peers that should be known; a member that knows one too few or too many is wrong. */
  readonly #there = new Set<PeerId>();
  readonly #rightSinceMs = new Map<Member, number>();

  constructor(options: MeshSimOptions) {
    this.#options = options;
    this.#time = new VirtualTime({ seed: options.seed });
  }

  async run(): Promise<MeshSimResult> {
    this.#time.install();
    const checkAgain = checkSignaturesOnce((await generateKeyPair('Ed25519')).publicKey);
    try {
      return await this.#phases();
    } finally {
      checkAgain();
      this.#time.uninstall();
    }
  }

  async #phases(): Promise<MeshSimResult> {
    const { peaceMs, limitMs, nodes, onPhase = () => undefined } = this.#options;
    onPhase('join');
    const join = await this.#phase(async () => {
      await this.#joinAll();
      return this.#time.now();
    }, limitMs);
    const heapBytesPerNode = process.memoryUsage().heapUsed / nodes;
    const connectionsPerNode = this.#members.reduce((sum, { node }) => sum + node.connections.length, 0) / nodes;
    onPhase('peace', join);
    const peace = await this.#phase(async () => {
      await this.#time.run({ forMs: peaceMs });
      return this.#time.now();
    }, 1);
    onPhase('loss', peace);
    const loss = await this.#phase(async () => {
      const atMs = this.#time.now();
      this.#loseSome();
      return atMs;
    }, limitMs);
    return { join, peace, loss, bytesByProtocol: this.#byProtocol(), connectionsPerNode, heapBytesPerNode };
  }

  /** `change` resolves with the virtual time from which the way to agreement counts. */
  async #phase(change: () => Promise<number>, limitMs: number): Promise<SimPhase> {
    const [wallMs, beganMs] = [performance.now(), this.#time.now()];
    const before = new Map(this.#members.map((member) => [member, sent(member.node)]));
    const sinceMs = await change();
    this.#judgeAll();
    const converged = await this.#time.run({ forMs: limitMs, holds: () => this.#rightSinceMs.size === this.#members.length });
    const out = this.#members.map((member) => ({ now: sent(member.node), then: before.get(member) ?? { bytes: 0, frames: 0 } }));
    return {
      converged, virtualMs: spread([...this.#rightSinceMs.values()].map((ms) => Math.max(0, ms - sinceMs))), durationVirtualMs: this.#time.now() - beganMs,
      bytesPerNode: spread(out.map(({ now, then }) => now.bytes - then.bytes)), framesPerNode: spread(out.map(({ now, then }) => now.frames - then.frames)), wallMs: performance.now() - wallMs,
    };
  }

  async #joinAll(): Promise<void> {
    const { nodes, joinMs } = this.#options;
    for (let index = 0; index < nodes; index++) {
      await this.#join(index);
      if (index < nodes - 1) await this.#time.run({ forMs: joinMs / nodes });
    }
  }

  async #join(index: number): Promise<void> {
    const node = await SimNode.create({ time: this.#time, links: this.#options.links, index });
    const presence = new Presence({ mesh: node, clock: this.#time, logger: silentLogger, metrics: noMetrics, profile: () => profileOf(node, index), read: this.#read });
    const member: Member = { node, presence, known: new Set() };
    presence.events.on('peer:joined', ({ peer }) => { member.known.add(peer); this.#judge(member); });
    presence.events.on('peer:left', ({ peer }) => { member.known.delete(peer); this.#judge(member); });
    await node.start();
    const others = [...this.#members];
    for (let i = 0; i < this.#options.dials && others.length > 0; i++) {
      const [other] = others.splice(Math.floor(this.#time.random() * others.length), 1);
      if (other !== undefined) node.connect(other.node);
    }
    this.#members.push(member);
    this.#there.add(node.peerId);
    await presence.start();
  }

  #loseSome(): void {
    const count = Math.round(this.#members.length * this.#options.lost);
    for (let i = 0; i < count; i++) {
      const [lost] = this.#members.splice(Math.floor(this.#time.random() * this.#members.length), 1);
      if (lost === undefined) return;
      this.#there.delete(lost.node.peerId);
      this.#rightSinceMs.delete(lost);
      void lost.node.stop().then(() => lost.presence.stop());
    }
  }

  #judge(member: Member): void {
    const isRight = member.known.size === this.#there.size - 1 && [...this.#there].every((peer) => peer === member.node.peerId || member.known.has(peer));
    if (!isRight) this.#rightSinceMs.delete(member);
    else if (!this.#rightSinceMs.has(member)) this.#rightSinceMs.set(member, this.#time.now());
  }

  #judgeAll(): void {
    for (const member of this.#members) this.#judge(member);
  }

  #byProtocol(): Record<string, number> {
    const all: Record<string, number> = {};
    for (const { node } of this.#members) for (const [protocol, { bytes }] of node.traffic) all[protocol] = (all[protocol] ?? 0) + bytes;
    return all;
  }
}

function sent(node: SimNode): { readonly bytes: number; readonly frames: number } {
  const all = [...node.traffic.values()];
  return { bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), frames: all.reduce((sum, { frames }) => sum + frames, 0) };
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

export const simulateMesh = (options: Partial<MeshSimOptions> = {}): Promise<MeshSimResult> => new MeshSim({ ...SIM_DEFAULTS, ...options }).run();
