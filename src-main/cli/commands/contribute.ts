import type { Command } from 'commander';
import { isCoded, systemClock } from '../../base/index.ts';
import { askContribution, setContribute, type ContributeOrder } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { integer } from '../options.ts';
import type { Launch } from '../program.ts';
import { contributeView } from './contribute-view.ts';
import { jsonOf } from './generation-options.ts';

const EXAMPLES = `
Examples:
  omninode contribute                     whether this machine computes for others, for whom, how much it was
  omninode contribute on                  let it
  omninode contribute pause --minutes 60  for nobody for an hour, also after a restart; answers under way end or are handed over
  omninode contribute off                 for nobody

Asks the app that runs with this home (\`omninode serve\` or the window); on and off also work while none runs. Limits are on the page
Contribute, and in config.json (contribute...).`;

const MAX_PAUSE_MINUTES = 7 * 24 * 60;

export function contributeCommand(program: Command, launch: Launch): void {
  const group = program.command('contribute').summary('whether and how much this machine computes for others').addHelpText('after', EXAMPLES);
  const example = (text: string): string => `\nExample:\n  ${text}`;
  group.command('status', { isDefault: true }).summary('whom it serves, what it offers, how much it was').addHelpText('after', example('omninode contribute status --json'))
    .action((args: object) => launch(contribute, undefined, jsonOf(args)));
  for (const [order, summary] of [['on', 'compute for others'], ['off', 'compute for nobody else'], ['resume', 'end a pause']] as const) {
    group.command(order).summary(summary).addHelpText('after', example(`omninode contribute ${order}`)).action((args: object) => launch(contribute, { order }, jsonOf(args)));
  }
  group.command('pause').summary('for nobody for a while').option('--minutes <n>', 'how long', integer(1, MAX_PAUSE_MINUTES), 60).addHelpText('after', example('omninode contribute pause --minutes 30'))
    .action((args: { readonly minutes: number }) => launch(contribute, { order: 'pause', ms: args.minutes * 60_000 }, jsonOf(args)));
}

async function contribute({ settings: { config }, output, signal }: CommandContext, order: ContributeOrder | undefined): Promise<number> {
  try {
    const now = await askContribution(config.home, signal, order);
    output.answer(contributeView(now, systemClock.now()));
    output.result(now);
  } catch (error) {
    const isSwitch = order?.order === 'on' || order?.order === 'off';
    if (!isSwitch || !isCoded(error, 'API_NOT_RUNNING')) throw error;
    await setContribute(config, order.order === 'on');
    output.line(`No app runs with ${config.home}: it holds from the next start.`);
    output.result({ isOn: order.order === 'on', isRunning: false });
  }
  return EXIT.ok;
}
