import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';

/**
 * Runs a module's lines as a parent, kills it with SIGKILL once it stands, and resolves when its last child is gone too.
 * `path` is where the module is written; it must end in .mts.
 */
export async function outliveNobody(path: string, lines: string): Promise<NodeJS.Signals | null> {
  await writeFile(path, `${lines}
process.stdout.write('ready');
setInterval(() => undefined, 1000);`);
  const parent = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'pipe'] });
  await once(parent.stdout, 'data');
  // Children share this pipe: it closes when the last of all is gone.
  const closed = once(parent.stderr, 'close');
  parent.stderr.resume();
  parent.kill('SIGKILL');
  await closed;
  return parent.signalCode;
}
