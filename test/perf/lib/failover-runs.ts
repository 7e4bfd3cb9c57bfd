import { asPeerId, systemClock, type CodedError } from '../../../src-main/base/index.ts';
import type { Cluster, ClusterNode, Node } from '../../../src-main/host/index.ts';
import { GREEDY, type AnswerShape, type SamplingOptions } from '../../../src-main/inference/index.ts';
import { createReroute, type Candidate, type OpenPipelineRequest, type Pipeline } from '../../../src-main/pipeline/index.ts';
import { cutOff, plugIn, type NetworkHost } from '../../support/network.ts';

/** SIGKILL, SIGSTOP, or its network link down. */
export type Harm = 'kill' | 'freeze' | 'cut';

export interface FailoverRun {
  readonly harm: Harm;
  readonly stage: number;
  /** Stages that share its fate. */
  readonly also?: readonly number[];
  /** The harm is done when this many tokens were read. */
  readonly atToken: number;
  readonly sampling: SamplingOptions;
  readonly tokens: number;
  readonly shape?: AnswerShape;
  readonly endTokens?: readonly number[];
}

export interface FailoverResult {
  readonly tokens: readonly number[];
  readonly failovers: number;
  /** From the harm to the first token that was not on its way by then; undefined: the answer was over. */
  readonly lossToNextTokenMs: number | undefined;
  readonly error: CodedError | undefined;
}

export const SEEDED: SamplingOptions = { ...GREEDY, temperature: 0.9, topK: 40, seed: 42 };

export interface Stand {
  readonly cluster: Cluster;
  readonly node: Node;
  readonly contextTokens: number;
  /** Where each node of the cluster is, when they have a network of their own. */
  readonly hosts?: readonly NetworkHost[];
  readonly speculate?: OpenPipelineRequest['speculate'];
  readonly dtype?: OpenPipelineRequest['dtype'];
}

/** A pipeline over the cluster's nodes as they are now. Nodes that end stay away until `revive`; who is left takes over. */
export function openOver({ cluster, node, contextTokens, speculate = true, dtype = 'f16' }: Stand): Promise<Pipeline> {
  const candidates = (): Candidate[] => cluster.nodes.map(({ peerId, addresses }) => ({ peer: asPeerId(peerId), addresses }));
  const modelHash = cluster.model.manifest.model_hash;
  return node.coordinator.openPipeline({
    route: cluster.nodes.map(({ peerId, addresses, layers }) => ({ peer: asPeerId(peerId), addresses, layers })),
    modelHash, contextTokens, batchTokens: 32, dtype, speculate,
    reroute: createReroute({ modelHash, candidates, queryOffers: (request) => node.coordinator.queryOffers(request), timeoutMs: 3_000 }),
  });
}

function harm({ hosts }: Stand, { harm: how }: FailoverRun, { index, pid }: ClusterNode): void {
  const host = hosts?.[index];
  if (how === 'cut' && host !== undefined) cutOff(host);
  else process.kill(pid, how === 'kill' ? 'SIGKILL' : 'SIGSTOP');
}

/** One answer during which one stage's process is killed, stopped or cut off. The cluster is whole again afterwards. */
export async function runOnce(stand: Stand, promptTokens: Int32Array, run: FailoverRun): Promise<FailoverResult> {
  const pipeline = await openOver(stand);
  const victims = [run.stage, ...run.also ?? []].map((stage) => stand.cluster.nodes[stage]).filter((victim) => victim !== undefined);
  const tokens: number[] = [];
  const clock = systemClock;
  let harmedMs: number | undefined;
  let next: number | undefined;
  let arrived = 0;
  try {
    const generation = pipeline.generate({ promptTokens, sampling: run.sampling, maxTokens: run.tokens, endTokens: run.endTokens ?? [], ...(run.shape === undefined ? {} : { shape: run.shape }) });
    const error = await (async () => {
      for await (const { token } of generation) {
        tokens.push(token);
        if (harmedMs !== undefined && next === undefined && generation.failovers > 0 && tokens.length > arrived) next = clock.monotonicMs() - harmedMs;
        if (tokens.length !== run.atToken || victims.length === 0) continue;
        for (const victim of victims) harm(stand, run, victim);
        [harmedMs, arrived] = [clock.monotonicMs(), generation.received];
      }
      return undefined;
    })().catch((reason: CodedError) => reason);
    return { tokens, failovers: generation.failovers, lossToNextTokenMs: next, error };
  } finally {
    await pipeline.close();
    for (const victim of victims) {
      const host = stand.hosts?.[victim.index];
      if (run.harm === 'cut' && host !== undefined) plugIn(host);
    }
    await stand.cluster.revive(victims.map(({ peerId }) => asPeerId(peerId)));
  }
}
