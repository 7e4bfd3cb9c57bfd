import { readFile, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Owner, OwnerInput } from '../../../host/index.ts';
import { askPassword, askSecret } from '../../ask.ts';
import type { CommandContext } from '../../command.ts';
import { cliErrors } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import { integer } from '../../options.ts';
import type { Launch } from '../../program.ts';
import { jsonOf } from '../generation-options.ts';
import { bindExternal } from './bind-external.ts';
import { decided, withOwner, type OrderArgs } from './owner.ts';
import { walletView } from './views.ts';

const EXAMPLES = `
Examples:
  omninode wallet create                      a new account; its recovery phrase is shown once
  omninode wallet import --phrase             from a recovery phrase, typed unseen
  omninode wallet import --keystore key.json  from an encrypted file of another wallet (v3)
  omninode wallet show                        the account of this node
  omninode wallet bind-external 0x12…         let an account of another wallet own this node
  omninode wallet decide                      what the running node asks: to pay for a session, to claim its pay

The wallet lies in wallet.json in the home folder, encrypted with your password (scrypt). The password is asked for, or
taken from OMNINODE_WALLET_PASSWORD.`;

const MAX_KEYSTORE_BYTES = 65_536;

interface ImportArgs {
  readonly phrase?: boolean;
  readonly key?: boolean;
  readonly keystore?: string;
}

/** `omninode wallet create|import|show|decide|bind-external`. */
export function walletCommand(program: Command, launch: Launch): void {
  const group = program.command('wallet').summary('the account that stakes, pays and earns SUM').addHelpText('after', EXAMPLES);
  group.command('create').summary('make a new account, and show its recovery phrase once').option('--words <n>', '12 or 24', integer(12, 24), 12)
    .addHelpText('after', '\nExample:\n  omninode wallet create --words 24')
    .action((args: { readonly words: number }) => launch(create, args, jsonOf(args)));
  group.command('import').summary('use an account that there is already')
    .option('--phrase', 'a BIP-39 recovery phrase, typed or piped in').option('--key', 'a private key, typed or piped in').option('--keystore <file>', 'an encrypted v3 file')
    .addHelpText('after', '\nExample:\n  omninode wallet import --phrase')
    .action((args: ImportArgs) => launch(importWallet, args, jsonOf(args)));
  group.command('bind-external').summary('let an account of another wallet own this node: its stake, pay and rewards').argument('<address>', 'the account, as that wallet shows it')
    .option('--yes', 'approve without asking').option('--dry-run', 'show what would be approved, and approve nothing')
    .addHelpText('after', '\nExample:\n  omninode wallet bind-external 0x70997970C51812dc3A010C7d01b50e0d17dc79C8\n\nThe other wallet sends the call that is printed; the page does that by itself where the wallet is one of the browser.')
    .action((account: string, args: OrderArgs) => launch(bindExternal, { account, args }, jsonOf(args)));
  group.command('decide').summary('approve or refuse what waits, each shown before').option('-y, --yes', 'approve without asking')
    .addHelpText('after', '\nExample:\n  omninode wallet decide')
    .action((args: OrderArgs) => launch(decide, args, jsonOf(args)));
  group.command('show', { isDefault: true }).summary('its address, how it is kept, its limit').addHelpText('after', '\nExample:\n  omninode wallet show --json')
    .action((args: object) => launch(show, undefined, jsonOf(args)));
}

/** One after the other. */
const decide = (context: CommandContext, args: OrderArgs): Promise<number> => withOwner(context, async (owner) => {
  const { waiting } = await owner.waiting({});
  if (waiting.length === 0) context.output.answer('no decision waits\n');
  const codes: number[] = [];
  for (const question of waiting) codes.push(await decided(context, owner, { ...args, question }));
  return codes.find((code) => code !== EXIT.ok) ?? EXIT.ok;
});

const show = (context: CommandContext): Promise<number> => withOwner(context, async (owner) => {
  const now = await owner.now({});
  context.output.answer(walletView(now));
  context.output.result(now.wallet);
  return EXIT.ok;
});

const create = (context: CommandContext, { words }: { readonly words: number }): Promise<number> => withOwner(context, async (owner) => {
  const { output } = context;
  const { address, phrase } = await owner.create({ password: await newPassword(context), words: words === 24 ? 24 : 12 });
  output.line('Write this recovery phrase down, on paper. Who has it has the account; without it a forgotten password cannot be replaced. It is not shown again here.');
  output.answer(`${phrase}\n`);
  output.line(`The account is ${address}.`);
  output.result({ address, phrase });
  return EXIT.ok;
});

const importWallet = (context: CommandContext, args: ImportArgs): Promise<number> => withOwner(context, async (owner: Owner) => {
  const secret = await secretOf(context, args);
  const { address } = await owner.import({ secret, password: await newPassword(context) });
  context.output.answer(`the account is ${address}\n`);
  context.output.result({ address });
  return EXIT.ok;
});

async function secretOf({ signal }: CommandContext, { phrase, key, keystore }: ImportArgs): Promise<OwnerInput<'import'>['secret']> {
  if ([phrase, key, keystore].filter((one) => one !== undefined).length !== 1) throw cliErrors.usage({ problem: 'one of --phrase, --key and --keystore is wanted' });
  if (keystore === undefined) return { kind: phrase === true ? 'phrase' : 'key', text: await askSecret(phrase === true ? 'Recovery phrase' : 'Private key', signal) };
  if ((await stat(keystore)).size > MAX_KEYSTORE_BYTES) throw cliErrors.usage({ problem: `${keystore} is too large for an encrypted key` });
  return { kind: 'keystore', text: await readFile(keystore, 'utf8'), password: await askPassword('Password of that file', signal) };
}

/** Typed twice, where it is typed. */
async function newPassword({ signal }: CommandContext): Promise<string> {
  const password = await askPassword('New password for this wallet', signal);
  if (await askPassword('The same again', signal) !== password) throw cliErrors.passwordsDiffer({});
  return password;
}
