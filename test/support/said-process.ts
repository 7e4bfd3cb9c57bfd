import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

export type Said = Readonly<Record<string, unknown>>;

/** A process that says what happens on stdout, a JSON line each, and ends when its stdin does. */
export class SaidProcess {
  readonly child: ChildProcess;
  readonly said: Said[] = [];
  readonly #lines: Interface;
  readonly #ended: Promise<true>;
  #errors = '';

  /** `prefix` is what starts it, e.g. `ip netns exec <name>`. */
  constructor(script: string, setup: object, prefix: readonly string[] = []) {
    const [command = process.execPath, ...args] = [...prefix, process.execPath, script, JSON.stringify(setup)];
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr?.on('data', (bytes) => { this.#errors += String(bytes); });
    if (this.child.stdout === null) throw new TypeError('the process has no stdout');
    const ended = Promise.withResolvers<true>();
    this.#ended = ended.promise;
    this.#lines = createInterface(this.child.stdout).on('line', (line) => void this.said.push(JSON.parse(line) as Said)).on('close', () => ended.resolve(true));
    this.#lines.setMaxListeners(0);
  }

  /** The first thing it says of this kind, said already or later. Rejects when the process ends before. */
  async says(event: string, accept: (said: Said) => boolean = () => true): Promise<Said> {
    for (;;) {
      const found = this.said.find((said) => said['event'] === event && accept(said));
      if (found !== undefined) return found;
      const isEnd = await Promise.race([once(this.#lines, 'line').then(() => false), this.#ended]);
      if (isEnd && !this.said.some((said) => said['event'] === event && accept(said))) throw new TypeError(`the process ended without saying ${event}: ${this.#errors} ${JSON.stringify(this.said.at(-1))}`);
    }
  }

  /** Ends its stdin; its exit code once nothing keeps it alive. */
  async stop(): Promise<{ readonly code: unknown; readonly errors: string }> {
    const exited = this.child.exitCode === null ? once(this.child, 'exit') : Promise.resolve([this.child.exitCode]);
    this.child.stdin?.end();
    const [code] = await exited;
    return { code, errors: this.#errors };
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}
