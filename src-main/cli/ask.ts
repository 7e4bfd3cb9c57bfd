import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { cliErrors } from './errors.ts';

/** Echoes nothing of what is typed. */
const silent = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

async function question(text: string, { isShown, signal }: { readonly isShown: boolean; readonly signal: AbortSignal }): Promise<string> {
  process.stderr.write(text);
  const lines = createInterface({ input: process.stdin, output: isShown ? process.stderr : silent(), terminal: process.stdin.isTTY });
  try {
    return await lines.question('', { signal });
  } finally {
    lines.close();
    if (!isShown) process.stderr.write('\n');
  }
}

/** From the environment, else typed unseen. @throws CLI_NO_TERMINAL */
export async function askPassword(text: string, signal: AbortSignal): Promise<string> {
  const given = process.env['OMNINODE_WALLET_PASSWORD'];
  if (given !== undefined && given !== '') return given;
  if (!process.stdin.isTTY) throw cliErrors.noTerminal({ what: 'the password of the wallet', instead: 'Set OMNINODE_WALLET_PASSWORD, or run it in a terminal.' });
  return question(`${text}: `, { isShown: false, signal });
}

/** Typed unseen on a terminal; else the first line of what is piped in. */
export const askSecret = (text: string, signal: AbortSignal): Promise<string> => question(`${text}: `, { isShown: false, signal });

/** Only `y` and `yes` are a yes. @throws CLI_NO_TERMINAL */
export async function askYes(text: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) throw cliErrors.noTerminal({ what: 'a decision', instead: 'Read what it would do with --dry-run, then add --yes.' });
  return /^y(es)?$/i.test((await question(`${text} [y/N] `, { isShown: true, signal })).trim());
}
