import type { ChildProcess } from 'node:child_process';
import { EventEmitter, on, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PeerId } from '../../src-main/base/index.ts';
import type { FaultHeld, FaultSetup, FromFaultNode, ToFaultNode } from './fault-messages.ts';
import { forkOn, type NetworkHost } from './network.ts';

const SCRIPT = fileURLToPath(new URL('./fault-node.ts', import.meta.url));
/** As the app is started: see scripts/lib/heap.mjs. */
const HEAP_FLAGS = ['--max-semi-space-size=16'];
type Said<E extends FromFaultNode['event']> = Extract<FromFaultNode, { event: E }>;

/** A node in a process of its own, and what it said. */
export class FaultNode {
  readonly name: string;
  readonly members: readonly string[];
  /** `said`: any message; `exit`. */
  readonly events = new EventEmitter();
  readonly child: ChildProcess;
  readonly connected = new Set<PeerId>();
  readonly wrong: string[] = [];
  /** Streams lost so far, by why. */
  readonly lost = new Map<string, number>();
  readonly exited: Promise<number | string>;
  peer: PeerId | undefined;
  addresses: readonly string[] = [];
  /** How it ended; a signal's name when killed. */
  exit: number | string | undefined;
  #round = 0;
  readonly #heard = new Set<PeerId>();
  readonly #echoed = new Set<PeerId>();

  constructor(host: NetworkHost, setup: FaultSetup) {
    this.name = setup.name;
    this.members = setup.members;
    this.child = forkOn({ ...host, flags: HEAP_FLAGS }, SCRIPT, [JSON.stringify(setup)]);
    this.child.on('message', (message: FromFaultNode) => this.#take(message));
    this.exited = once(this.child, 'exit').then(([code, signal]) => (code ?? signal) as number | string, (error: unknown) => String(error)).then((exit) => {
      this.exit = exit;
      this.events.emit('exit');
      return exit;
    });
  }

  /** The next message of this kind. Rejects when the process ends before. */
  async said<E extends FromFaultNode['event']>(event: E): Promise<Said<E>> {
    const gone = new AbortController();
    void this.exited.then(() => gone.abort(new Error(`${this.name} ended (${this.exit}) before it said ${event}`)));
    for await (const [message] of on(this.events, 'said', { signal: gone.signal })) if ((message as FromFaultNode).event === event) return message as Said<E>;
    throw new Error('unreachable');
  }

  async held(): Promise<FaultHeld> {
    const answer = this.said('held');
    this.#tell({ kind: 'held' });
    return answer;
  }

  async ownAddresses(): Promise<readonly string[]> {
    return (await this.#facts()).addresses;
  }

  /** Unix ms, as it sees it. */
  async clock(): Promise<number> {
    return (await this.#facts()).clockMs;
  }

  begin(round: number): void {
    this.#round = round;
    this.#heard.clear();
    this.#echoed.clear();
    this.#tell({ kind: 'round', round });
  }

  /** Since the round began. */
  hears(peer: PeerId): boolean { return this.#heard.has(peer); }
  speaksWith(peer: PeerId): boolean { return this.#echoed.has(peer); }

  /** Asks it to stop; 0 once nothing keeps it alive. */
  stop(): Promise<number | string> {
    this.#tell({ kind: 'stop' });
    return this.exited;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal);
  }

  #facts(): Promise<Said<'facts'>> {
    const answer = this.said('facts');
    this.#tell({ kind: 'facts' });
    return answer;
  }

  #tell(message: ToFaultNode): void {
    if (this.child.connected) this.child.send(message, () => undefined);
  }

  #take(message: FromFaultNode): void {
    switch (message.event) {
      case 'ready': this.peer = message.peer; this.addresses = message.addresses; break;
      case 'connect': this.connected.add(message.peer); break;
      case 'disconnect': this.connected.delete(message.peer); break;
      case 'heard': if (message.round === this.#round) this.#heard.add(message.peer); break;
      case 'echoed': if (message.round === this.#round) this.#echoed.add(message.peer); break;
      case 'stream-lost': this.lost.set(message.code, 1 + (this.lost.get(message.code) ?? 0)); break;
      case 'wrong': this.wrong.push(message.what); break;
      case 'facts': case 'held': case 'unreached': break;
    }
    this.events.emit('said', message);
  }
}

/** Nodes of one mesh, and whether they are one. */
export class FaultMesh {
  readonly nodes: FaultNode[] = [];
  #round = 0;

  async start(host: NetworkHost, setup: FaultSetup): Promise<FaultNode> {
    const node = new FaultNode(host, setup);
    this.nodes.push(node);
    const ready = node.said('ready');
    await ready;
    node.begin(this.#round);
    return node;
  }

  /** From now on only what happens from now on counts. */
  begin(): void {
    this.#round++;
    for (const node of this.nodes) node.begin(this.#round);
  }

  /** What is missing until each of `of` hears all the others and speaks with the members it was told; empty when they are one. */
  missing(of: readonly FaultNode[] = this.nodes): string[] {
    const peers = new Map(of.map((node) => [node.peer, node]));
    return of.flatMap((node) => [
      ...of.filter((other) => other !== node && !node.hears(other.peer as PeerId)).map((other) => `${node.name} hears ${other.name}`),
      ...node.members.map((address) => peers.get(address.split('/').at(-1) as PeerId)).filter((member) => member !== undefined && !node.speaksWith(member.peer as PeerId))
        .map((member) => `${node.name} speaks with ${member?.name}`),
    ]);
  }

  /** Resolves with the ms it took once `holds`. Rejects when a node ends by itself, or after `timeoutMs`, with what `missing` says. */
  async until(holds: () => boolean, { timeoutMs, missing = () => [] }: { readonly timeoutMs: number; readonly missing?: () => readonly string[] }): Promise<number> {
    const [startedMs, nodes, { promise, resolve, reject }] = [performance.now(), [...this.nodes], Promise.withResolvers<void>()];
    const check = (): void => {
      const ended = nodes.find(({ exit }) => exit !== undefined);
      if (ended !== undefined) reject(new Error(`${ended.name} ended by itself: ${ended.exit}`));
      else if (holds()) resolve();
    };
    const timer = setTimeout(() => reject(new Error(`not after ${timeoutMs} ms; missing: ${missing().slice(0, 12).join(', ')}`)), timeoutMs);
    for (const { events } of nodes) events.on('said', check).on('exit', check);
    check();
    try {
      await promise;
      return performance.now() - startedMs;
    } finally {
      clearTimeout(timer);
      for (const { events } of nodes) events.off('said', check).off('exit', check);
    }
  }

  /** A new round, until all are one. */
  async isOne(timeoutMs: number, of: () => readonly FaultNode[] = () => this.nodes): Promise<number> {
    this.begin();
    const missing = (): string[] => this.missing(of());
    return this.until(() => missing().length === 0, { timeoutMs, missing });
  }

  /** Takes a node out that leaves on purpose. */
  forget(node: FaultNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  /** How each ended: 0 for one that nothing kept alive. */
  async stop(): Promise<(number | string)[]> {
    return Promise.all(this.nodes.splice(0).map((node) => node.stop()));
  }

  kill(): void {
    for (const node of this.nodes.splice(0)) node.kill();
  }
}
