import { once } from 'node:events';
import { asPeerId, forkChild, type PeerId } from '../../src-main/base/index.ts';
import { appPaths, type HostConfig } from '../../src-main/host/index.ts';
import { fromNodeSchema } from '../../src-main/host/node-messages.ts';

export interface SpareNode {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
  readonly pid: number;
  stop(): Promise<void>;
}

/** A node process that was given no shards; its home, and so its store, is what `config` says. */
export async function startSpare(config: HostConfig): Promise<SpareNode> {
  const child = forkChild(appPaths().nodeProcess);
  child.send({ type: 'start', config: { ...config, mdns: false }, shards: [], memoryBytesPerSecond: 1e10 });
  const [raw] = (await once(child, 'message')) as unknown[];
  const reply = fromNodeSchema.parse(raw);
  if (reply.type !== 'ready') throw new TypeError(`the spare node did not start: ${JSON.stringify(reply)}`);
  return {
    peer: asPeerId(reply.peerId), addresses: reply.addresses, pid: child.pid ?? 0,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.send({ type: 'stop' });
      await exited;
    },
  };
}
