import type { Command } from 'commander';
import { inferWhole } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Launch } from '../program.ts';
import { configOf, jsonOf, requestOf, withGenerationOptions, type GenerationArgs } from './generation-options.ts';
import { answerSink, printFigures } from './answer.ts';

export function inferCommand(program: Command, launch: Launch): void {
  withGenerationOptions(program.command('infer').summary('answer with the whole model in one process'))
    .addHelpText('after', '\nExamples:\n  omninode infer "How do I stake SUM?"\n  omninode infer "Once upon a time" --model story.gguf --raw --greedy --json')
    .action((prompt: string, args: GenerationArgs) => launch(infer, { prompt, args }, { ...jsonOf(args), ...configOf(args) }));
}

async function infer({ settings, output, signal }: CommandContext, { prompt, args }: { prompt: string; args: GenerationArgs }): Promise<number> {
  const request = requestOf(prompt, args, settings.config.model);
  const report = await inferWhole(settings, request, { signal, ...answerSink(output) });
  printFigures(output, report);
  return EXIT.ok;
}

