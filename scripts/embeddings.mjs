// `npm run setup:embeddings`: brings what `omninode embed` runs on. The command does it itself when it is first used.
import { ensureEmbeddings } from './lib/embeddings.mjs';
import { ensureNode } from './lib/node.mjs';
import { locked } from './lib/lock.mjs';
import { root } from './lib/ready.mjs';
import { main } from './lib/say.mjs';

// npm is ours to end: by a signal, or when the command that started us is gone and the system closes its channel.
const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => ended.abort());
process.once('disconnect', () => ended.abort());
process.channel?.unref();

await main(async () => {
  const node = await locked(root, () => ensureNode(root));
  await ensureEmbeddings(root, node, ended.signal);
  return 0;
});
