import { fileURLToPath } from 'node:url';
import type { PeerId } from '../../src-main/base/index.ts';
import type { MeshOptions } from '../../src-main/mesh/options.ts';
import { SaidProcess, type Said } from './said-process.ts';

export interface ProcessSetup extends Partial<Pick<MeshOptions, 'nat' | 'dht'>> {
  readonly listen?: readonly string[];
  readonly identityPath?: string;
  readonly mdns?: boolean;
  /** Makes it a member of that private zone. */
  readonly zoneKey?: string;
  /** Of the zone that is the default of the product; here it is the public one. */
  readonly isLocal?: boolean;
  readonly nativeTls?: boolean;
  /** Serves as a relay. */
  readonly isRelay?: boolean;
  /** What starts it, e.g. `ip netns exec <name>`. */
  readonly prefix?: readonly string[];
}

/** What a process is to do. */
export interface PeerCommand {
  /** A text on omni/test/v1, once somebody listens. */
  readonly publish?: string;
  readonly dial?: string;
  /** Pings that peer, one after the other; says `pinged` with the times. */
  readonly ping?: { readonly peer: PeerId; readonly times: number };
  /** Probes what the way to that peer loses, one after the other; says `lost` with the shares. */
  readonly loss?: { readonly peer: PeerId; readonly times: number };
  /** Says `told` with this number, and how things are. */
  readonly tell?: number;
}

export type { Said };
const SCRIPT = fileURLToPath(new URL('./peer-process.ts', import.meta.url));

/** A node in another process, and what it said so far. */
export class PeerProcess {
  readonly #process: SaidProcess;
  #asked = 0;

  constructor({ prefix = [], listen = ['/ip4/127.0.0.1/tcp/0'], ...rest }: ProcessSetup = {}) {
    this.#process = new SaidProcess(SCRIPT, { listen, ...rest }, prefix);
  }

  /** The first thing it says of this kind, said already or later. Rejects when the process ends before. */
  said(event: string, accept?: (said: Said) => boolean): Promise<Said> {
    return this.#process.says(event, accept);
  }

  tell(command: PeerCommand): void {
    this.#process.child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  /** How things are with it now, or when it has done that. */
  async state(after: PeerCommand = {}): Promise<Said> {
    const number = this.#asked++;
    this.tell({ ...after, tell: number });
    return this.said('told', (said) => said['number'] === number);
  }

  /** Asks it to stop; its exit code once nothing keeps it alive. */
  stop(): ReturnType<SaidProcess['stop']> {
    return this.#process.stop();
  }

  kill(): void {
    this.#process.child.kill('SIGKILL');
  }
}

/** Processes that a test starts, for it to kill when it is over. */
export class PeerProcesses {
  readonly #running: PeerProcess[] = [];

  start(setup?: ProcessSetup): PeerProcess {
    const child = new PeerProcess(setup);
    this.#running.push(child);
    return child;
  }

  kill(): void {
    for (const child of this.#running.splice(0)) child.kill();
  }
}
