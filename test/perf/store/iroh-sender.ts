import { IROH_OPTIONS, loadIroh } from './iroh-module.ts';

// An iroh node that has one file.
const { path, folder } = JSON.parse(process.argv[2] ?? '{}') as { readonly path: string; readonly folder: string };
const { Iroh, SetTagOption } = await loadIroh(folder);
const node = await Iroh.memory(IROH_OPTIONS);
const added = Promise.withResolvers<string>();
await node.blobs.addFromPath(path, false, SetTagOption.auto(), { wrap: false }, (error, progress) => {
  if (error !== null) added.reject(error);
  else if (progress.allDone !== undefined) added.resolve(progress.allDone.hash);
});
const hash = await added.promise;
const { nodeId, addresses } = await node.net.nodeAddr();
process.stdout.write(`${JSON.stringify({ event: 'ready', hash, nodeId, addresses })}\n`);
// The node is used once more so that it is not collected meanwhile: it stops giving then.
process.stdin.on('end', () => void node.node.shutdown().finally(() => process.exit(0))).resume();
