import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';

const isWindows = process.platform === 'win32';

/** The environment in which `node` is the given binary, for everything started below. */
export const withNode = (node) => ({ ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` });

/** Runs a command quietly; resolves {code, output} with stdout and stderr interleaved. */
export function capture(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], shell: isWindows });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes));
    child.on('error', (error) => resolve({ code: 127, output: String(error) }));
    child.on('close', (code, signal) => resolve({ code: code ?? 1, output: signal === null ? output : `${output}\nended by ${signal}` }));
  });
}

/** npm as the caller runs it, but on the Node given. */
export function npm(node, args, options = {}) {
  const cli = process.env.npm_execpath;
  const env = { ...withNode(node), npm_config_update_notifier: 'false' };
  if (cli?.endsWith('.js')) return capture(node, [cli, ...args], { ...options, env, });
  return capture('npm', args, { ...options, env });
}

/**
 * Runs the app in the foreground. The child gets our terminal and an IPC channel: the system
 * closes it however we die, and the child ends itself then (src-main/base/orphan.ts).
 */
export function foreground(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], ...options });
  const stopWatching = watchNpm(() => child.kill('SIGTERM'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => forward(child, signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      stopWatching();
      resolve(code ?? 128 + (signal === 'SIGINT' ? 2 : signal === 'SIGKILL' ? 9 : 15));
    });
  });
}

// A terminal sends Ctrl-C to the whole process group: the child has it already.
function forward(child, signal) {
  if (signal === 'SIGINT' && process.stdin.isTTY) return;
  child.kill(signal);
}

/** npm gives its scripts no channel, so its death is seen by our ancestors changing: the shell that it starts us through may live on. */
function watchNpm(onGone) {
  if (isWindows || process.env.npm_command === undefined) return () => undefined;
  const ancestors = () => `${process.ppid} ${parentOf(process.ppid)}`;
  const before = ancestors();
  const timer = setInterval(() => {
    if (ancestors() !== before) onGone();
  }, 500);
  timer.unref();
  return () => clearInterval(timer);
}

/** The parent of a process, where the system shows it as a file. */
function parentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[1];
  } catch {
    return '';
  }
}
