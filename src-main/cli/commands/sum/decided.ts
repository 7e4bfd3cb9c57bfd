import type { Command } from 'commander';

const DECIDE = `
What is signed is shown first, decoded, with the fee at most and what it would do; --dry-run ends there, --yes asks no more.
The password of the wallet is asked for, or taken from OMNINODE_WALLET_PASSWORD.`;

/** Below the help of a command whose owner decides. */
export const example = (...lines: readonly string[]): string => `\nExample${lines.length > 1 ? 's' : ''}:\n${lines.map((line) => `  ${line}`).join('\n')}\n${DECIDE}`;
export const decided = (command: Command): Command => command.option('--yes', 'sign without asking').option('--dry-run', 'show what would be signed, and sign nothing');
