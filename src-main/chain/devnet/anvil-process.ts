import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { chainErrors } from '../errors.ts';

const READY_MS = 60_000;

/**
 * Runs a program that knows nothing of us and ends it when our end of its input closes, which the system does however we die. The reader ends it, and
 * is ended with it. Windows has no such shell: there a SIGKILL of the app leaves anvil behind, which holds nothing.
 */
const GUARD = 'exec 3<&0; "$@" </dev/null & program=$!; { read -r _ <&3; kill -9 $program; } 2>/dev/null & reader=$!; wait $program; code=$?; kill $reader 2>/dev/null; exit $code';

export interface AnvilProcess {
  readonly url: string;
  /** When it has ended, for whatever reason. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Starts anvil on a free port of the loopback. Throws CHAIN_NO_ANVIL. */
export async function startAnvil(path: string, args: readonly string[]): Promise<AnvilProcess> {
  const all = ['--host', '127.0.0.1', '--port', '0', ...args];
  const stdio = ['pipe', 'pipe', 'pipe'] as const;
  // A group of its own: Ctrl-C in the terminal is for the app, which ends anvil last.
  const child = process.platform === 'win32'
    ? spawn(path, all, { stdio: [...stdio], windowsHide: true })
    : spawn('/bin/sh', ['-c', GUARD, 'anvil', path, ...all], { stdio: [...stdio], detached: true });
  const ended = new Promise<void>((resolve) => { child.once('close', () => resolve()).once('error', () => resolve()); });
  child.stdin.on('error', () => undefined);
  try {
    const url = `http://${await listening(child)}`;
    return { url, ended, stop: () => stop(child, ended) };
  } catch (error) {
    await stop(child, ended);
    throw error;
  }
}

async function listening(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = '';
  const note = (line: string): void => { said = `${said}${line}\n`.slice(-500); };
  child.once('error', reject).once('exit', (code) => reject(chainErrors.noAnvil({ reason: `anvil ended with ${code}: ${said.trim()}` })));
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      const found = /^Listening on (127\.0\.0\.1:\d+)$/.exec(line.trim())?.[1];
      if (found !== undefined) resolve(found);
      else note(line);
    });
  }
  const timer = setTimeout(() => reject(chainErrors.noAnvil({ reason: `anvil was not ready in ${READY_MS / 1000} s` })), READY_MS);
  return await promise.finally(() => clearTimeout(timer));
}

/** Nothing in it is worth saving: the journal has it. */
async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (process.platform === 'win32') child.kill('SIGKILL');
  else child.stdin?.end();
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  await ended;
}
