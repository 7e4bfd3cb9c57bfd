import { toCoded, type CodedError } from '../base/index.ts';
import { createNode } from './node.ts';
import { ephemeral } from './infer-pipeline.ts';
import type { AppPaths } from './paths.ts';
import type { Settings } from './config.ts';

export interface TryRequest {
  readonly addresses: readonly string[];
  readonly paths: AppPaths;
  readonly signal: AbortSignal;
}

/** Whether somebody is there, from a passing node with an identity of its own: undefined, or why not. */
export async function tryMember(settings: Settings, { addresses, paths, signal }: TryRequest): Promise<CodedError | undefined> {
  const node = await createNode({ settings: ephemeral(settings), paths, shards: [], identity: 'ephemeral' });
  await node.start();
  try {
    await Promise.any(addresses.map((address) => node.mesh.dial(address, { signal })));
    return undefined;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return toCoded(error instanceof AggregateError ? error.errors[0] : error);
  } finally {
    await node.stop();
  }
}
