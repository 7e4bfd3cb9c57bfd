import { defineErrors, spec } from '../base/index.ts';

/** Names in a message. */
const SHOWN = 12;

export const hostErrors = defineErrors('HOST', {
  embeddingsNotInstalled: spec<{ reason: string }>({
    fault: 'local', retryable: true, message: (m) => `what embeddings run on could not be installed: ${m.reason}`, next: 'Run `npm run setup:embeddings` in the installation; it needs the npm registry once.',
  }),
  installationIncomplete: spec<{ start: string }>({
    fault: 'local', message: (m) => `no OmniNode installation lies above ${m.start}`, next: 'Clone the project again and run `npm start` in it.',
  }),
  badConfig: spec<{ source: string; field: string; reason: string }>({
    fault: 'user', message: (m) => `${m.source}: ${m.field}: ${m.reason}`, next: (m) => `Correct ${m.field} there, or remove it to use the default.`,
  }),
  otherZone: spec<{ zone: string; own: string; path: string }>({
    fault: 'user', message: (m) => `this invitation is to the private zone ${m.zone}, and this node is in ${m.own}`,
    next: (m) => `To change zones, move ${m.path} away and join again; to be in both, use another --home.`,
  }),
  leavesZone: spec<{ zone: string }>({
    fault: 'user', message: (m) => `this node is in a private zone, and the invitation is to a ${m.zone} mesh: it would meet nobody there`,
    next: 'Use another --home for that mesh, or set zone in config.json first, if this node is to leave its own.',
  }),
  tooManyPeers: spec<{ limit: number }>({
    fault: 'user', message: (m) => `the configuration names ${m.limit} addresses of members already`, next: 'Remove some from `peers` in config.json.',
  }),
  modelNotFound: spec<{ model: string; known: readonly string[] }>({
    fault: 'user', message: (m) => `there is no model "${m.model}"`,
    next: (m) => `Give the path of a .gguf file or one of: ${m.known.slice(0, SHOWN).join(', ')}${m.known.length > SHOWN ? ', ... (see omninode model ls)' : ''}. \`omninode model add hf:OWNER/REPO:Q4_K_M\` downloads another.`,
  }),
  modelNotServed: spec<{ model: string; code: string; reason: string }>({
    fault: 'local', retryable: true, message: (m) => `the model ${m.model} cannot be served: ${m.reason}`, next: 'Correct that at the node; the next request tries again.',
  }),
  modelAmbiguous: spec<{ model: string; candidates: readonly string[] }>({
    fault: 'user', message: (m) => `"${m.model}" may be ${m.candidates.length} models`, next: (m) => `Give one of: ${m.candidates.slice(0, SHOWN).join(', ')}${m.candidates.length > SHOWN ? ', ...' : ''}.`,
  }),
  modelOnlyShards: spec<{ model: string }>({
    fault: 'user', message: (m) => `of the model "${m.model}" only shards are here, not the whole file`, next: 'Download it whole: `omninode model add hf:OWNER/REPO:Q4_K_M`.',
  }),
  nodeNotStarted: spec<{ index: number; reason: string }>({
    fault: 'local', message: (m) => `node ${m.index} of the cluster did not start: ${m.reason}`, next: 'Run `omninode doctor` and free memory or processes.',
  }),
  nodeGone: spec<{ index: number; how: string }>({
    fault: 'local', retryable: true, message: (m) => `node ${m.index} of the cluster ended (${m.how})`, next: 'Ask again: the cluster is started anew.',
  }),
  transferGone: spec<{ how: string }>({
    fault: 'local', retryable: true, message: (m) => `the process that moves shards ended (${m.how})`, next: 'Start it again: what was fetched is kept.',
  }),
  shardNotHeld: spec<{ modelHash: string; layers: string }>({
    fault: 'local', message: (m) => `this node was not given layers ${m.layers} of model ${m.modelHash.slice(0, 12)}`, next: 'Choose layers that the node offers.',
  }),
  otherModel: spec<{ manifestCid: string; modelHash: string }>({
    fault: 'peer', message: (m) => `the manifest ${m.manifestCid} is not of model ${m.modelHash.slice(0, 12)}`, next: 'Ask with the manifest of the model that is wanted.',
  }),
  notInCut: spec<{ manifestCid: string; layers: string }>({
    fault: 'peer', message: (m) => `the shards of ${m.manifestCid} do not make up layers ${m.layers}`, next: 'Ask for layers that begin and end where its shards do.',
  }),
  fetchesBusy: spec<{ limit: number }>({
    fault: 'local', retryable: true, message: (m) => `${m.limit} fetches of layers wait here already`, next: 'Choose another node, or wait.',
  }),
  peersLackLayers: spec<{ layers: string }>({
    fault: 'user', message: (m) => `no peer given holds layers ${m.layers}`, next: 'Add a peer that holds them, or start one with `omninode listen --model FILE --layers A-B`.',
  }),
  fileTooLarge: spec<{ path: string; sizeBytes: number; limitBytes: number }>({
    fault: 'local', message: (m) => `${m.path} has ${m.sizeBytes} bytes, at most ${m.limitBytes} are read`, next: 'Remove the file: it is written anew.',
  }),
  calibrationFailed: spec<{ reason: string }>({
    fault: 'local', retryable: true, message: (m) => `the speed of this machine could not be measured: ${m.reason}`, next: 'Nothing to do: it is tried again when the machine is idle.',
  }),
  receiptsNotFound: spec<{ path: string }>({
    fault: 'user', message: (m) => `there is no receipts file ${m.path}`, next: 'Give the path of a receipts file.',
  }),
  badRange: spec<{ text: string; layers: number }>({
    fault: 'user', message: (m) => `the model has layers 0-${m.layers - 1}, not ${m.text}`, next: 'Choose a range within them.',
  }),
  noTrace: spec<Record<string, never>>({ fault: 'local', message: () => 'the answer came without its trace', next: 'Report this with the log.' }),
  tooManyStages: spec<{ stages: number; layers: number }>({
    fault: 'user', message: (m) => `${m.layers} layers cannot be split over ${m.stages} nodes`, next: (m) => `Use --cluster ${m.layers} or fewer.`,
  }),
});
