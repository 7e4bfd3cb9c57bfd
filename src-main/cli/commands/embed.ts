import type { Command } from 'commander';
import { embedTexts, type Pooling } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { integer, oneOf } from '../options.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';

const POOLINGS = ['mean', 'cls'] as const satisfies readonly Pooling[];

interface Args {
  readonly model: string;
  readonly download?: string;
  readonly pooling: Pooling;
  readonly truncate?: boolean;
  readonly threads?: number;
}

const EXAMPLES = `
Examples:
  omninode embed "How is a model split?" --model minilm/
  omninode embed "first text" "second text" --model minilm/ --json
  omninode embed "hello" --model minilm/ --download https://HOST/OWNER/NAME/resolve/main/

The folder holds config.json, tokenizer.json, tokenizer_config.json and onnx/model.onnx or onnx/model_quantized.onnx.
Vectors have length 1: a dot product of two is their cosine similarity. The first use installs what embeddings run on
(a download of about 116 MB from the npm registry); after that no network is needed.`;

export function embedCommand(program: Command, launch: Launch): void {
  program.command('embed').summary('turn texts into vectors with an embedding model')
    .argument('<text...>', 'one or more texts')
    .requiredOption('--model <folder>', 'an ONNX embedding model in the layout of transformers.js')
    .option('--download <url>', 'fetch the model from here when the folder is not there')
    .option('--pooling <kind>', `how tokens become one vector, as the model was trained: ${POOLINGS.join(' or ')}`, oneOf(POOLINGS), 'mean')
    .option('--truncate', 'cut off what the model does not take, instead of refusing the text')
    .option('--threads <n>', 'CPU threads', integer(1, 512))
    .addHelpText('after', EXAMPLES)
    .action((texts: readonly string[], args: Args) => launch(embed, { texts, args }, { ...jsonOf(args), threads: args.threads }));
}

async function embed({ settings, output, signal }: CommandContext, { texts, args }: { texts: readonly string[]; args: Args }): Promise<number> {
  const request = {
    texts, modelFolder: args.model, pooling: args.pooling, tooLong: args.truncate === true ? 'truncate' as const : 'refuse' as const,
    ...(args.download === undefined ? {} : { downloadUrl: args.download }),
  };
  const report = await embedTexts(settings, request, { signal, onStatus: (text) => output.progress(text) });
  for (const { vector } of report.embeddings) output.answer(`${JSON.stringify(vector)}\n`);
  output.line(`${report.embeddings.length} x ${report.dimensions} components`);
  output.result(report);
  return EXIT.ok;
}
