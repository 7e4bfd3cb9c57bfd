import type { Command } from 'commander';
import { toCoded } from '../../base/index.ts';
import { startHeadless } from '../../headless/index.ts';
import { appPaths, buildHost } from '../../host/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { batchTokens, integer } from '../options.ts';
import type { Launch } from '../program.ts';
import { jsonOf } from './generation-options.ts';
import { untilAborted } from './wait.ts';

interface Args {
  readonly port?: number;
  readonly model?: string;
  readonly cluster?: number;
  readonly batchTokens?: number | 'auto';
}

export function serveCommand(program: Command, launch: Launch): void {
  program.command('serve').summary('serve the app to your browser, on this machine only')
    .option('--port <n>', 'port on 127.0.0.1, 0 = any free one', integer(0, 65_535))
    .option('--model <name or file>', 'a .gguf file, a name of `omninode model ls`, or omni-guide, the model inside')
    .option('--cluster <n>', 'node processes that share the model (default 3 for the model inside, else 1)', integer(1, 64))
    .option('--batch-tokens <n>', 'rows of a prompt that are computed at once, fair or auto (default fair: 256, fewer where others wait)', batchTokens)
    .addHelpText('after', '\nExample:\n  omninode serve --port 4180')
    .action((args: Args) => launch(serve, args, { ...jsonOf(args), httpPort: args.port, model: args.model, batchTokens: args.batchTokens }));
}

/** Why the host did not start; never settles when it did. */
function failureOf(started: Promise<void>): Promise<Error> {
  const { promise, resolve } = Promise.withResolvers<Error>();
  started.catch((error: unknown) => resolve(toCoded(error)));
  return promise;
}

async function serve({ settings, output, signal }: CommandContext, args: Args): Promise<number> {
  const host = await buildHost({ settings, paths: appPaths(), mode: 'headless', nodes: args.cluster });
  const server = await startHeadless({ host, settings, renderer: host.paths.renderer, logger: host.logger });
  try {
    output.line(`OmniNode is at ${server.url}`);
    output.line('The link holds your key: whoever has it can use this node. Ctrl-C ends it.');
    output.line(`Programs that speak OpenAI's API use ${server.apiUrl} with a key of \`omninode key new --scope chat\`.`);
    output.result({ event: 'serving', url: server.url, apiUrl: server.apiUrl });
    await untilAborted(signal, failureOf(server.started));
  } finally {
    await server.stop();
  }
  return EXIT.ok;
}
