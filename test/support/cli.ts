import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  /** Resolves with stderr or stdout so far, once it matches. */
  until(pattern: RegExp): Promise<string>;
  readonly done: Promise<CliResult>;
}

/** The command as a user runs it: bin/omninode.mjs with the host's own Node. */
export const startCli = (args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCli => run([join(root, 'bin', 'omninode.mjs'), ...args], env);

/** From its sources, without a build: the child is the command itself. */
export const startCliSource = (args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCli => run([join(root, 'src-main', 'cli', 'main.ts'), ...args], env);

/** The address, with the page's key, at which `serve --json` says that it serves. */
export const servedUrl = async ({ until }: RunningCli): Promise<string> => (JSON.parse(/\{.*"serving".*\}/.exec(await until(/"serving".*\}/))![0]) as { url: string }).url;

function run(argv: readonly string[], env: Readonly<Record<string, string>>): RunningCli {
  const child = spawn(process.execPath, [...argv], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let [stdout, stderr] = ['', ''];
  const waiting = new Set<() => void>();
  const check = (): void => [...waiting].forEach((look) => look());
  child.stdout.on('data', (bytes) => { stdout += String(bytes); check(); });
  child.stderr.on('data', (bytes) => { stderr += String(bytes); check(); });
  const done = once(child, 'close').then(([code, signal]): CliResult => ({ code, signal, stdout, stderr }));
  const until = (pattern: RegExp): Promise<string> => new Promise((resolve, reject) => {
    const look = (): void => {
      const found = [stdout, stderr].find((text) => pattern.test(text));
      if (found === undefined) return;
      waiting.delete(look);
      resolve(found);
    };
    waiting.add(look);
    look();
    void done.then(() => reject(new Error(`ended before ${pattern}: ${stdout}${stderr}`)));
  });
  return { child, until, done };
}

/** A node that `omninode listen` said is up. */
export interface Listening {
  readonly cli: RunningCli;
  readonly peer: string;
  readonly address: string;
}

/** Commands from their sources that a test leaves running; `stop` ends them all. */
export class CliRuns {
  readonly #running: RunningCli[] = [];

  start(args: readonly string[], env: Readonly<Record<string, string>>): RunningCli {
    const one = startCliSource(args, env);
    this.#running.push(one);
    return one;
  }

  async listen(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Listening> {
    const cli = this.start(['listen', '--json', ...args], env);
    const [line = ''] = /^.*"event":"listening".*\n/m.exec(await cli.until(/"event":"listening".*\n/)) ?? [];
    const { peerId, addresses } = JSON.parse(line) as { peerId: string; addresses: readonly string[] };
    return { cli, peer: peerId, address: addresses[0] ?? '' };
  }

  async stop(): Promise<void> {
    for (const { child, done } of this.#running.splice(0)) {
      child.kill('SIGKILL');
      await done;
    }
  }
}

export const cli = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> => startCli(args, env).done;

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Processes whose environment has the marker; empty once all are gone. Linux only. */
export function processesWith(marker: string): ProcessEntry[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'utf8').includes(marker)) return [];
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      // A zombie has ended; only its parent has not looked yet.
      if (stat[0] === 'Z') return [];
      return [{ pid: Number(name), parent: Number(stat[1]), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ') }];
    } catch {
      return [];
    }
  });
}
