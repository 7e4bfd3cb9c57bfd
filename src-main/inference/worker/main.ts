import { exitWithParent, onParentMessage, tellParent, toCoded } from '../../base/index.ts';
import { requestSchema } from '../protocol/messages.ts';
import { loadAddon } from './load-addon.ts';
import { WorkerHost } from './worker-host.ts';

/** Entry of an inference process: one stage or one vocabulary, at its parent's command. */
const host = new WorkerHost(loadAddon, (lane) => tellParent({ lane }));
let running = 0;

async function answer(raw: unknown): Promise<void> {
  const request = requestSchema.safeParse(raw);
  if (!request.success) return void process.stderr.write('inference worker: a message that is no request was refused\n');
  const { id, op, input } = request.data;
  running++;
  try {
    tellParent({ id, ok: true, value: await host.run(op, input) });
  } catch (error) {
    tellParent({ id, ok: false, error: toCoded(error).toWire() });
  } finally {
    running--;
  }
}

// An orderly exit waits for llama.cpp's thread: a whole pass, with the memory and cores of a stage that nobody has
// any more. Nothing here is worth saving (weights are read only), so a busy worker just drops dead.
function leave(): void {
  if (running > 0 || host.hasLane) process.kill(process.pid, 'SIGKILL');
  process.exit(0);
}

// Ctrl-C reaches the whole process group; the parent decides when we end.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
exitWithParent(leave);
onParentMessage((raw) => void answer(raw));
