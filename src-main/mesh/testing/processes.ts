import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { MeshOptions } from '../options.ts';

export interface ProcessSetup extends Partial<Pick<MeshOptions, 'nat' | 'dht'>> {
  readonly listen?: readonly string[];
  readonly identityPath?: string;
  readonly mdns?: boolean;
  /** Makes it a member of that private zone. */
  readonly zoneKey?: string;
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
  /** Says `told` with this number, and how things are. */
  readonly tell?: number;
}

export type Said = Readonly<Record<string, unknown>>;
const SCRIPT = fileURLToPath(new URL('./peer-process.ts', import.meta.url));

/** A node in another process, and what it said so far. */
export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #said: Said[] = [];
  readonly #ended: Promise<true>;
  #errors = '';
  #asked = 0;

  constructor({ prefix = [], listen = ['/ip4/127.0.0.1/tcp/0'], ...rest }: ProcessSetup = {}) {
    const [command = process.execPath, ...args] = [...prefix, process.execPath, SCRIPT, JSON.stringify({ listen, ...rest })];
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.on('data', (bytes) => { this.#errors += String(bytes); });
    if (this.#child.stdout === null) throw new TypeError('the process has no stdout');
    const ended = Promise.withResolvers<true>();
    this.#ended = ended.promise;
    this.#lines = createInterface(this.#child.stdout).on('line', (line) => void this.#said.push(JSON.parse(line))).on('close', () => ended.resolve(true));
  }

  /** The first thing it says of this kind, said already or later. Rejects when the process ends before. */
  async said(event: string, accept: (said: Said) => boolean = () => true): Promise<Said> {
    for (;;) {
      const found = this.#said.find((said) => said['event'] === event && accept(said));
      if (found !== undefined) return found;
      const isEnded = await Promise.race([once(this.#lines, 'line').then(() => false), this.#ended]);
      if (isEnded) throw new TypeError(`the process ended without saying ${event}: ${this.#errors}`);
    }
  }

  tell(command: PeerCommand): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  /** How things are with it now. */
  async state(): Promise<Said> {
    const number = this.#asked++;
    this.tell({ tell: number });
    return this.said('told', (said) => said['number'] === number);
  }

  /** Asks it to stop; its exit code once nothing keeps it alive. */
  async stop(): Promise<{ code: unknown; errors: string }> {
    const exited = this.#child.exitCode === null ? once(this.#child, 'exit') : Promise.resolve([this.#child.exitCode]);
    this.#child.stdin?.end();
    const [code] = await exited;
    return { code, errors: this.#errors };
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
