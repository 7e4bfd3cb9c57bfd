import { defineErrors, spec, type LayerRange } from '../base/index.ts';

/** Which stage a failure belongs to. */
export type StageRef = { readonly stage: number; readonly peer: string; readonly layers: LayerRange };

/** A peer that was to take over layers, and did not get them. */
export type FailedFetch = { readonly peer: string; readonly code: string; readonly reason: string };

const named = (m: StageRef): string => `stage ${m.stage} (peer ${m.peer}, layers ${m.layers.first}-${m.layers.last})`;

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(2);

const REROUTE = 'Run again to pick other peers, or start that node again.';

export const pipelineErrors = defineErrors('PIPELINE', {
  emptyPrompt: spec<Record<string, never>>({ fault: 'user', message: () => 'the prompt has no tokens', next: 'Give a prompt that is not empty.' }),
  promptTooLong: spec<{ promptTokens: number; contextTokens: number }>({
    fault: 'user', message: (m) => `the prompt has ${m.promptTokens} tokens, the context holds ${m.contextTokens}`,
    next: 'Shorten the prompt or open the pipeline with a larger context.',
  }),
  badOption: spec<{ option: string; reason: string }>({ fault: 'user', message: (m) => `${m.option}: ${m.reason}`, next: 'Correct the option and try again.' }),
  badRoute: spec<{ reason: string }>({ fault: 'local', message: (m) => `the route is not usable: ${m.reason}`, next: 'Cover each layer exactly once, in order.' }),
  noPlacement: spec<{ layer: number; totalLayers: number }>({
    fault: 'user', retryable: true, message: (m) => `no peer offers layer ${m.layer} of ${m.totalLayers}`,
    next: 'Start a node that holds this layer, or let a connected node fetch its shard.',
  }),
  noRoomToFetch: spec<{ first: number; last: number; peer: string; needBytes: number; freeBytes: number }>({
    fault: 'user', retryable: true,
    message: (m) => `no peer holds layers ${m.first}-${m.last}, and none has room for them: ${m.needBytes} bytes are to be fetched, ${m.peer} has room for ${m.freeBytes}`,
    next: 'Raise the quota of its store or free some space there, or start a node that holds these layers.',
  }),
  doesNotFit: spec<{ first: number; last: number; neededBytes: number; freeBytes: number; missingBytes: number }>({
    fault: 'user', retryable: true,
    message: (m) => `layers ${m.first}-${m.last} need ${gigabytes(m.neededBytes)} GB with their context, ${gigabytes(m.freeBytes)} GB are free: ${gigabytes(m.missingBytes)} GB are missing`,
    next: 'Add a node with more memory, free some, or ask for a shorter context or fewer sessions.',
  }),
  badFrame: spec<{ peer: string; reason: string }>({ fault: 'peer', message: (m) => `peer ${m.peer} sent a bad frame: ${m.reason}`, next: REROUTE }),
  badChecksum: spec<{ peer: string }>({ fault: 'peer', message: (m) => `a frame of peer ${m.peer} does not match its checksum`, next: REROUTE }),
  badMessage: spec<{ peer: string; type: string; reason: string }>({
    fault: 'peer', message: (m) => `peer ${m.peer} sent a bad ${m.type} message: ${m.reason}`, next: 'Check that both nodes run the same OmniNode version.',
  }),
  outOfStep: spec<{ peer: string; expected: number; got: number }>({
    fault: 'peer', message: (m) => `peer ${m.peer} sent position ${m.got} where ${m.expected} was due`, next: REROUTE,
  }),
  flooded: spec<{ peer: string }>({ fault: 'peer', message: (m) => `peer ${m.peer} sent more micro-batches than its window allows`, next: REROUTE }),
  unknownSession: spec<{ session: string }>({ fault: 'peer', message: (m) => `no open session ${m.session}`, next: 'Open the session again.' }),
  unknownLease: spec<{ lease: string }>({ fault: 'peer', message: (m) => `no loaded range ${m.lease} on this link`, next: 'Load the range again.' }),
  notAllowed: spec<{ peer: string }>({ fault: 'user', message: (m) => `peer ${m.peer} may not use this node`, next: 'Ask the owner of the node to allow your peer id.' }),
  notServing: spec<{ reason: string }>({
    fault: 'user', retryable: true, message: (m) => `this node computes for nobody else: ${m.reason}`, next: 'Use another peer; its owner says when it serves.',
  }),
  layersNotHeld: spec<{ modelHash: string; first: number; last: number }>({
    fault: 'user', message: (m) => `this node does not hold layers ${m.first}-${m.last} of model ${m.modelHash} as whole shards`,
    next: 'Ask for its offers again and plan with those.',
  }),
  layersNotFetched: spec<{ first: number; last: number; code: string; reason: string }>({
    fault: 'local', retryable: true, message: (m) => `layers ${m.first}-${m.last} were not fetched: ${m.reason}`, next: 'Choose a node that holds them; what was fetched is kept.',
  }),
  wrongLayers: spec<{ asked: LayerRange; got: LayerRange }>({
    fault: 'local', message: (m) => `asked for layers ${m.asked.first}-${m.asked.last}, the engine holds ${m.got.first}-${m.got.last}`, next: 'Check the shard files of this node.',
  }),
  stageBusy: spec<{ limit: number; what: string }>({
    fault: 'user', retryable: true, message: (m) => `the stage already serves ${m.limit} ${m.what}`, next: 'Wait for another answer to end, or use another peer.',
  }),
  engineLost: spec<{ reason: string }>({ fault: 'local', retryable: true, message: (m) => `the stage's engine is gone: ${m.reason}`, next: 'Run again; the node loads the layers anew.' }),
  engineMisbehaved: spec<{ wanted: string; got: string }>({ fault: 'local', message: (m) => `the engine answered ${m.got} where ${m.wanted} was asked`, next: 'Report this with the log.' }),
  linkLost: spec<{ peer: string; reason: string }>({ fault: 'peer', retryable: true, message: (m) => `the link to peer ${m.peer} is gone: ${m.reason}`, next: REROUTE }),
  linkSilent: spec<{ peer: string; timeoutMs: number }>({ fault: 'peer', retryable: true, message: (m) => `nothing heard from peer ${m.peer} for ${m.timeoutMs} ms`, next: REROUTE }),
  stageLost: spec<StageRef & { reason: string }>({ fault: 'peer', retryable: true, message: (m) => `${named(m)} is gone: ${m.reason}`, next: REROUTE }),
  stageFailed: spec<StageRef & { code: string; reason: string }>({
    fault: 'peer', message: (m) => `${named(m)} failed: ${m.reason}`, next: 'Look at the log of that node; its error code is in `code`.',
  }),
  stageRefused: spec<StageRef & { code: string; reason: string }>({
    fault: 'user', retryable: true, message: (m) => `${named(m)} refused: ${m.reason}`, next: 'Wait and try again, or choose another peer.',
  }),
  stageLeft: spec<StageRef & { reason: string }>({
    fault: 'user', retryable: true, message: (m) => `${named(m)} does not serve: ${m.reason}`, next: 'Choose another peer, or ask again when its owner lets it serve.',
  }),
  stageNotFetched: spec<StageRef & { code: string; reason: string }>({
    fault: 'local', retryable: true, message: (m) => `${named(m)} does not get its layers: ${m.reason}`, next: 'Name more peers that hold these layers, or give that node more room; what was fetched is kept.',
  }),
  stageTooOld: spec<StageRef & { feature: string; reason: string }>({
    fault: 'user', message: (m) => `${named(m)} runs an older version: ${m.reason}`, next: 'Update OmniNode there, or choose another peer.',
  }),
  noGrammar: spec<StageRef>({
    fault: 'user', message: (m) => `${named(m)} runs an older version, which cannot keep an answer in a shape`, next: 'Update OmniNode there, or ask for an answer of any shape.',
  }),
  badGrammar: spec<StageRef & { reason: string }>({ fault: 'user', message: (m) => `${named(m)} cannot keep the answer in this shape: ${m.reason}`, next: 'Ask for an answer of a simpler shape.' }),
  grammarTooLarge: spec<{ bytes: number; limit: number }>({ fault: 'user', message: (m) => `the shape of the answer takes ${m.bytes} bytes, at most ${m.limit} fit`, next: 'Ask for an answer of a simpler shape.' }),
  stageMisbehaved: spec<StageRef & { code: string; reason: string }>({ fault: 'peer', message: (m) => `${named(m)} broke the protocol: ${m.reason}`, next: REROUTE }),
  stageTimeout: spec<StageRef & { phase: string; timeoutMs: number }>({
    fault: 'peer', retryable: true, message: (m) => `${named(m)} did not ${m.phase} within ${m.timeoutMs} ms`, next: REROUTE,
  }),
  stageSlow: spec<StageRef & { costMs: number; bestMs: number }>({
    fault: 'peer', retryable: true, message: (m) => `${named(m)} takes ${m.costMs.toFixed(0)} ms for a token where it took ${m.bestMs.toFixed(0)} ms`, next: REROUTE,
  }),
  notRecovered: spec<StageRef & { code: string; reason: string; lossCode: string; fetches?: readonly FailedFetch[] }>({
    fault: 'peer', retryable: true, message: (m) => [`${named(m)} is lost, and nothing takes its place: ${m.reason}`, ...(m.fetches ?? []).map(({ peer, reason }) => `peer ${peer} tried: ${reason}`)].join('; '),
    next: 'What was answered so far is kept. Start a node that holds these layers, then ask again.',
  }),
  cancelled: spec<Record<string, never>>({ fault: 'user', message: () => 'cancelled', next: 'Start again when you want to go on.' }),
  closed: spec<Record<string, never>>({ fault: 'local', message: () => 'the pipeline is closed', next: 'Open a new pipeline.' }),
});
