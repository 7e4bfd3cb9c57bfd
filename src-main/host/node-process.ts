import { exitWithParent, leaveParent, onParentMessage, tellParent, toCoded } from '../base/index.ts';
import { takeMemorySpeed } from './memory-speed.ts';
import { createNode, type Node } from './node.ts';
import { toNodeSchema, type FromNode, type ToNode } from './node-messages.ts';
import { appPaths } from './paths.ts';

/** Entry of a node process: one mesh peer with the shards that its parent gave it, and no others. */
let node: Node | undefined;

const tell = (message: FromNode): void => tellParent(message);

async function start(message: Extract<ToNode, { type: 'start' }>): Promise<void> {
  try {
    if (message.memoryBytesPerSecond !== undefined) takeMemorySpeed(message.memoryBytesPerSecond);
    node = await createNode({ settings: { config: message.config, secrets: { uiToken: '' } }, paths: appPaths(), shards: message.shards, identity: 'ephemeral', process: 'own' });
    await node.start();
    tell({ type: 'ready', peerId: node.mesh.peerId, addresses: [...node.mesh.addresses()] });
  } catch (error) {
    tell({ type: 'failed', error: toCoded(error).toWire() });
    process.exitCode = 1;
    leaveParent();
  }
}

async function stop(): Promise<void> {
  await node?.stop();
  process.exit(0);
}

// Ctrl-C reaches the whole process group; the parent decides when we stop.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => void stop());
// An orderly exit would wait for llama.cpp's thread; nothing here is worth saving.
exitWithParent(() => process.kill(process.pid, 'SIGKILL'));
onParentMessage((raw) => {
  const message = toNodeSchema.parse(raw);
  switch (message.type) {
    case 'start': return void start(message);
    case 'stop': return void stop();
    case 'memory': return tell({ type: 'memory', residentBytes: process.memoryUsage.rss() });
  }
});
