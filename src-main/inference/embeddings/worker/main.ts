import { z } from 'zod';
import { exitWithParent, isCoded, onParentMessage, tellParent, toCoded, type CodedError, SerialQueue } from '../../../base/index.ts';
import { requestSchema } from '../../protocol/messages.ts';
import { embedErrors } from '../errors.ts';
import { embedSchema, loadSchema, type EmbeddingOperations } from '../messages.ts';
import { TextPipeline } from './pipeline.ts';

/** Entry of an embedding process: one model, at its parent's command, one text after the other. */
const queue = new SerialQueue();
let loaded: TextPipeline | undefined;

async function load(input: unknown): Promise<EmbeddingOperations['load']['out']> {
  if (loaded !== undefined) throw embedErrors.badArgument({ detail: 'a model is loaded already' });
  loaded = await TextPipeline.load(loadSchema.parse(input));
  return loaded.info;
}

async function embed(input: unknown): Promise<EmbeddingOperations['embed']['out']> {
  if (loaded === undefined) throw embedErrors.badArgument({ detail: 'load comes first' });
  const { text, truncate } = embedSchema.parse(input);
  return loaded.embed(text, truncate);
}

async function run(op: string, input: unknown): Promise<unknown> {
  if (op === 'load') return load(input);
  if (op === 'embed') return embed(input);
  throw embedErrors.badArgument({ detail: `no operation "${op}"` });
}

function coded(error: unknown): CodedError {
  if (isCoded(error)) return error;
  if (error instanceof z.ZodError) return embedErrors.badArgument({ detail: z.prettifyError(error) }, error);
  return embedErrors.computeFailed({ detail: toCoded(error).message }, error);
}

async function answer(raw: unknown): Promise<void> {
  const request = requestSchema.safeParse(raw);
  if (!request.success) return void process.stderr.write('embedding worker: a message that is no request was refused\n');
  const { id, op, input } = request.data;
  try {
    tellParent({ id, ok: true, value: await queue.add(() => run(op, input)) });
  } catch (error) {
    tellParent({ id, ok: false, error: coded(error).toWire() });
  }
}

// Ctrl-C reaches the whole process group; the parent decides when we end.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
exitWithParent();
onParentMessage((raw) => void answer(raw));
