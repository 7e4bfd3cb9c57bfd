import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ProcessSetup {
  readonly listen?: readonly string[];
  readonly identityPath?: string;
  readonly mdns?: boolean;
  /** Makes it a member of that private zone. */
  readonly zoneKey?: string;
  readonly nativeTls?: boolean;
  /** What starts it, e.g. `ip netns exec <name>`. */
  readonly prefix?: readonly string[];
}

export type Said = Readonly<Record<string, unknown>>;
const SCRIPT = fileURLToPath(new URL('./peer-process.ts', import.meta.url));

/** A node in another process, and what it said so far. */
export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #said: Said[] = [];
  #errors = '';

  constructor({ prefix = [], listen = ['/ip4/127.0.0.1/tcp/0'], ...rest }: ProcessSetup = {}) {
    const [command = process.execPath, ...args] = [...prefix, process.execPath, SCRIPT, JSON.stringify({ listen, ...rest })];
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.on('data', (bytes) => { this.#errors += String(bytes); });
    if (this.#child.stdout === null) throw new TypeError('the process has no stdout');
    this.#lines = createInterface(this.#child.stdout).on('line', (line) => void this.#said.push(JSON.parse(line)));
  }

  /** The first thing it says of this kind, said already or later. Rejects when the process ends before. */
  async said(event: string, accept: (said: Said) => boolean = () => true): Promise<Said> {
    for (;;) {
      const found = this.#said.find((said) => said['event'] === event && accept(said));
      if (found !== undefined) return found;
      const [ended] = await Promise.race([once(this.#lines, 'line').then(() => [false]), once(this.#lines, 'close').then(() => [true])]);
      if (ended === true) throw new TypeError(`the process ended without saying ${event}: ${this.#errors}`);
    }
  }

  /** What it is to do: `publish` a text on omni/test/v1 once somebody listens. */
  tell(command: { readonly publish: string }): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
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
