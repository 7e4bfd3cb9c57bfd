import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Utility } from '../../src-main/electron/utility-child.ts';

/** Electron's utilityProcess.fork over a real process; `children` are those started. */
export function utilityDouble(children: ChildProcess[] = []): (modulePath: string) => Utility {
  return (modulePath) => {
    const child = fork(join(import.meta.dirname, 'utility-entry.mjs'), [modulePath], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
    children.push(child);
    return {
      get pid() {
        return child.pid;
      },
      postMessage: (message) => void (child.connected && child.send(message as object)),
      on: (event: string, listener: (value: never) => void) => {
        if (event === 'exit') child.on('exit', (code, signal) => listener((code ?? (signal === null ? 0 : 128)) as never));
        else child.on('message', (message) => listener(message as never));
      },
    };
  };
}
