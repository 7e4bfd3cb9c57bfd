import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

export type Said = Readonly<Record<string, unknown>>;

/** A process that says what happens on stdout, a JSON line each, and ends when its stdin does. */
export class SaidProcess {
  readonly child: ChildProcess;
  readonly said: Said[] = [];
  readonly #lines: Interface;
  #errors = '';

  constructor(script: string, setup: object) {
    this.child = spawn(process.execPath, [script, JSON.stringify(setup)], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr?.on('data', (bytes) => { this.#errors += String(bytes); });
    if (this.child.stdout === null) throw new TypeError('the process has no stdout');
    this.#lines = createInterface(this.child.stdout).on('line', (line) => void this.said.push(JSON.parse(line) as Said));
    this.#lines.setMaxListeners(0);
  }

  /** The first thing it says of this kind, said already or later. Rejects when the process ends before. */
  async says(event: string, accept: (said: Said) => boolean = () => true): Promise<Said> {
    for (;;) {
      const found = this.said.find((said) => said['event'] === event && accept(said));
      if (found !== undefined) return found;
      const isEnd = await Promise.race([once(this.#lines, 'line').then(() => false), once(this.#lines, 'close').then(() => true)]);
      if (isEnd && !this.said.some((said) => said['event'] === event && accept(said))) throw new TypeError(`the process ended without saying ${event}: ${this.#errors} ${JSON.stringify(this.said.at(-1))}`);
    }
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}
