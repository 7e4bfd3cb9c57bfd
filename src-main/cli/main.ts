import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { exitWithParent, toCoded } from '../base/index.ts';
import { appPaths, isProcessHeld, loadSettings } from '../host/index.ts';
import { cliErrors } from './errors.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { createOutput, type Terminal } from './output.ts';
import { createProgram, type Invoke } from './program.ts';

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isInteractive: process.stderr.isTTY === true,
};

/** The first signal asks for a clean end; a second one does not wait for it. */
function cancelOnSignals(): AbortSignal {
  const controller = new AbortController();
  const cancel = (signal: string): void => {
    if (controller.signal.aborted) process.exit(EXIT.cancelled);
    controller.abort(cliErrors.cancelled({ signal }));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => cancel(signal));
  exitWithParent(() => cancel('the parent process ended'));
  return controller.signal;
}

const invoke: Invoke = async (globals, run) => {
  const { json, ...settings } = globals;
  const output = createOutput(terminal, json === true);
  try {
    const signal = cancelOnSignals();
    process.exitCode = await run({ settings: await loadSettings(settings), output, signal });
  } catch (error) {
    process.exitCode = exitCodeOf(output.failure(error));
  }
};

async function main(): Promise<void> {
  // A reader that goes away (`omninode ... | head`) is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.internal));
  const version = String(JSON.parse(readFileSync(join(appPaths().root, 'package.json'), 'utf8')).version);
  try {
    await createProgram(version, invoke).parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.user;
    else process.exitCode = exitCodeOf(createOutput(terminal, false).failure(toCoded(error)));
  }
  leave();
}

function leave(): void {
  // Listening for the launcher's end keeps the channel to it open, and this process with it.
  process.channel?.unref();
  if (isProcessHeld()) process.stdout.write('', () => process.stderr.write('', () => process.exit()));
  // What a finished command left open (sockets of a mesh that would not close) must not keep the shell waiting.
  else setTimeout(() => process.exit(), 3_000).unref();
}

await main();
