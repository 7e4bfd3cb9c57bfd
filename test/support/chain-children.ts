import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { ChildTask } from './chain-child.ts';

export function startChainChild(task: ChildTask): ChildProcess {
  const child = fork(join(import.meta.dirname, 'chain-child.ts'), { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  child.send(task);
  return child;
}

/** Killed where it waits: at `task.holdAt`. Resolves when it has ended. */
export async function killChainChild(child: ChildProcess, holdAt: string, before: () => void = () => undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  child.on('message', ({ at }: { readonly at: string }) => {
    if (at !== holdAt) return;
    before();
    child.kill('SIGKILL');
  });
  await promise;
}

/** Process ids of the anvils below a process. */
export function anvilsOf(pid: number): number[] {
  const rows = spawnSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).stdout.split('\n').map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)).filter((row) => row !== null);
  const below = (parent: number): number[] => rows.filter(([, , ppid]) => Number(ppid) === parent).flatMap(([, own = '', , args = '']) => [...(/^\S*anvil(\.exe)? /.test(args) ? [Number(own)] : []), ...below(Number(own))]);
  return below(pid);
}
