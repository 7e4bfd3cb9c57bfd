import { defineErrors, spec } from '../base/index.ts';

/** Names in a message. */
const SHOWN = 12;

const amount = (bytes: number): string => (bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);

export const hostErrors = defineErrors('HOST', {
  embeddingsNotInstalled: spec<{ reason: string }>({
    fault: 'local', retryable: true, message: (m) => `what embeddings run on could not be installed: ${m.reason}`, next: 'Run `npm run setup:embeddings` in the installation; it needs the npm registry once.',
  }),
  embeddingsNotPacked: spec<{ folder: string; packages: string }>({
    fault: 'user', message: () => 'the installed app does not bring what embeddings run on, and has no npm to fetch it with',
    next: (m) => `With Node and npm: \`npm install --ignore-scripts --prefix "${m.folder}" ${m.packages}\`, then start the app again.`,
  }),
  installationIncomplete: spec<{ start: string }>({
    fault: 'local', message: (m) => `no OmniNode installation lies above ${m.start}`, next: 'Clone the project again and run `npm start` in it.',
  }),
  badConfig: spec<{ source: string; field: string; reason: string }>({
    fault: 'user', message: (m) => `${m.source}: ${m.field}: ${m.reason}`, next: (m) => `Correct ${m.field} there, or remove it to use the default.`,
  }),
  settingFixed: spec<{ key: string }>({
    fault: 'user', message: (m) => `${m.key} is not changed here`, next: 'Join another mesh by an invitation, or see `omninode zone --help`.',
  }),
  noChain: spec<Record<string, never>>({ fault: 'user', message: () => 'this node uses no chain', next: 'Set chain to "embedded" in config.json, or name one there.' }),
  badFaultFile: spec<{ path: string; reason: string }>({ fault: 'user', message: (m) => `${m.path} is no proof of a fault: ${m.reason}`, next: 'Name a file that `omninode slash-evidence --save` wrote.' }),
  noFaultFile: spec<{ path: string }>({ fault: 'user', message: (m) => `there is no file ${m.path}`, next: 'Name a file that `omninode slash-evidence --save` wrote, or an id that `omninode slash-evidence` lists.' }),
  noFault: spec<{ name: string }>({ fault: 'user', message: (m) => (m.name === '' ? 'this home holds no proof of a fault' : `this home holds no proof about a session or node that begins with ${m.name}`), next: 'See `omninode slash-evidence` for those it holds. A proof is kept when a node signs two bills of a session that this home pays.' }),
  manyFaults: spec<{ name: string; candidates: readonly string[] }>({
    fault: 'user', message: (m) => `${m.candidates.length} proofs ${m.name === '' ? 'are held here' : `begin with ${m.name}`}`, next: (m) => `Name one by its session and node: ${m.candidates.slice(0, 4).join(', ')}${m.candidates.length > 4 ? ', ...' : ''}.`,
  }),
  fileExists: spec<{ path: string }>({ fault: 'user', message: (m) => `there is a file ${m.path} already`, next: 'Name another, or add --overwrite.' }),
  fileNotWritten: spec<{ path: string; reason: string }>({ fault: 'local', retryable: true, message: (m) => `${m.path} cannot be written: ${m.reason}`, next: 'Check the folder, who may write there, and the room on the disk.' }),
  noDocument: spec<{ id: string }>({ fault: 'user', message: (m) => `there is no document "${m.id}"`, next: 'Choose one of the list.' }),
  uploadBusy: spec<{ limit: number }>({ fault: 'user', retryable: true, message: (m) => `${m.limit} files are on their way already`, next: 'Wait until one of them is there.' }),
  uploadGone: spec<Record<string, never>>({ fault: 'user', retryable: true, message: () => 'this file did not arrive whole', next: 'Attach it again.' }),
  otherZone: spec<{ zone: string; own: string; path: string }>({
    fault: 'user', message: (m) => `this invitation is to the private zone ${m.zone}, and this node is in ${m.own}`,
    next: (m) => `To change zones, move ${m.path} away and join again; to be in both, use another --home.`,
  }),
  leavesZone: spec<{ zone: string }>({
    fault: 'user', message: (m) => `this node is in a private zone, and the invitation is to a ${m.zone} mesh: it would meet nobody there`,
    next: 'Use another --home for that mesh, or set zone in config.json first, if this node is to leave its own.',
  }),
  linkGone: spec<Record<string, never>>({ fault: 'user', message: () => 'this invitation is not the one that waits here', next: 'Look at what is shown now, or open the link again.' }),
  linkUnreadable: spec<Record<string, never>>({ fault: 'local', message: () => 'the invitation could not be checked', next: 'Open the link again; the log of the node has the details.' }),
  tooManyPeers: spec<{ limit: number }>({
    fault: 'user', message: (m) => `the configuration names ${m.limit} addresses of members already`, next: 'Remove some from `peers` in config.json.',
  }),
  blocksItself: spec<{ subject: string }>({
    fault: 'user', message: (m) => `${m.subject} is this node itself, or this machine`, next: 'Block a peer or an address of another machine.',
  }),
  checkGone: spec<{ check: string }>({ fault: 'user', retryable: true, message: () => 'this check is gone: another one was started since', next: 'Start it again.' }),
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
  switching: spec<{ model: string }>({
    fault: 'user', retryable: true, message: (m) => `${m.model} is being loaded already`, next: 'Wait until it is there, then choose again.',
  }),
  notSwitched: spec<{ model: string; former: string; isBack: boolean; code: string; reason: string; next: string }>({
    fault: 'local', retryable: true, message: (m) => `${m.model} could not be loaded, ${m.isBack ? `${m.former} answers again` : `and neither could ${m.former} again`}: ${m.reason}`, next: (m) => m.next,
  }),
  nobodyServes: spec<{ model: string }>({
    fault: 'user', retryable: true, message: (m) => `other machines are to compute ${m.model}, and none that is there computes for others`,
    next: 'Invite another machine, or switch on "Compute for others" under Contribute on one that is here. As soon as one is there, this goes on by itself.',
  }),
  wantPay: spec<{ model: string; machines: number; code: string; reason: string; next: string }>({
    fault: 'user', retryable: true, message: (m) => `${m.machines === 1 ? 'a machine' : `${m.machines} machines`} would compute ${m.model} for pay, and cannot be paid: ${m.reason}`, next: (m) => m.next,
  }),
  meshTooSmall: spec<{ model: string; machines: number; neededBytes: number; freeBytes: number; more: number; eachBytes: number; unpaid?: { readonly machines: number; readonly reason: string } }>({
    fault: 'user', retryable: true, message: (m) => `${m.model} needs ${amount(m.neededBytes)} with its context, and ${m.machines === 1 ? 'the machine that is there has' : `the ${m.machines} machines that are there have`} ${amount(m.freeBytes)} free`,
    next: (m) => `It needs ${m.more} more ${m.more === 1 ? 'machine' : 'machines'} with ${amount(m.eachBytes)} free: invite ${m.more === 1 ? 'one' : 'them'}, or let those that are here give more memory.${m.unpaid === undefined ? '' : ` ${m.unpaid.machines} more ${m.unpaid.machines === 1 ? 'wants pay and cannot be paid' : 'want pay and cannot be paid'}: ${m.unpaid.reason}.`} This then goes on by itself.`,
  }),
  modelInUse: spec<{ model: string }>({
    fault: 'user', message: (m) => `${m.model} is the model that answers`, next: 'Choose another model first, then remove it.',
  }),
  notRemovable: spec<{ model: string }>({
    fault: 'user', message: (m) => `${m.model} ships with the app`, next: 'Remove another model: this one takes nothing of the store.',
  }),
  modelExists: spec<{ name: string }>({
    fault: 'user', message: (m) => `there is a file ${m.name} already`, next: 'Remove that model first, or give the file another name.',
  }),
  uploadName: spec<{ name: string; problem: string }>({
    fault: 'user', message: (m) => `${m.name}: ${m.problem}`, next: 'Choose a model in one .gguf file. One in several parts: put them on the machine of the node, and add the first by its path.',
  }),
  lookupStopped: spec<Record<string, never>>({ fault: 'user', message: () => 'the question to the hub was stopped', next: 'Ask again.' }),
  noUpload: spec<{ id: string }>({
    fault: 'user', message: (m) => `no upload ${m.id} is under way`, next: 'Add the file again.',
  }),
  uploadPlace: spec<{ wanted: number; given: number }>({
    fault: 'user', retryable: true, message: (m) => `the next piece begins at byte ${m.wanted}, not at ${m.given}`, next: 'Go on from there.',
  }),
  uploadStopped: spec<{ waitedMs: number }>({
    fault: 'user', message: (m) => `nothing of the file came for ${Math.round(m.waitedMs / 1000)} s`, next: 'Add the file again, and leave the page open until it is here.',
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
  memoryLimit: spec<{ needBytes: number; limitBytes: number; usedBytes: number }>({
    fault: 'user', retryable: true, message: (m) => `these layers take ${m.needBytes} bytes; the owner lets others use ${m.limitBytes}, of which ${m.usedBytes} are used`,
    next: 'Choose fewer layers or another node, or wait until others end.',
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
  historyDamaged: spec<{ path: string; reason: string }>({ fault: 'local', message: (m) => `the history of answers in ${m.path} is damaged: ${m.reason}`, next: 'Start again: it is begun anew.' }),
  historyUnusable: spec<{ path: string; reason: string }>({ fault: 'local', message: (m) => `the history of answers in ${m.path} cannot be used: ${m.reason}`, next: 'Check the folder, its permissions and the room on the disk, then start again.' }),
  noHistory: spec<Record<string, never>>({ fault: 'local', message: () => 'no history of answers is kept here', next: 'Look at the log of the node: it says why.' }),
  noSuchAnswer: spec<Record<string, never>>({ fault: 'user', message: () => 'this answer is not in the history any more', next: 'Choose another one.' }),
  noPipeline: spec<Record<string, never>>({ fault: 'local', retryable: true, message: () => 'no model is loaded', next: 'Wait until it is, then ask again.' }),
  answering: spec<Record<string, never>>({ fault: 'local', retryable: true, message: () => 'an answer is under way, and planning would disturb it', next: 'Ask again when it is done.' }),
  planTooSlow: spec<{ waitedMs: number }>({ fault: 'peer', retryable: true, message: (m) => `there was no plan after ${Math.round(m.waitedMs / 1000)} s`, next: 'Ask again: what was measured until now is remembered.' }),
  noTrace: spec<Record<string, never>>({ fault: 'local', message: () => 'the answer came without its trace', next: 'Report this with the log.' }),
  tooManyStages: spec<{ stages: number; layers: number }>({
    fault: 'user', message: (m) => `${m.layers} layers cannot be split over ${m.stages} nodes`, next: (m) => `Use --cluster ${m.layers} or fewer.`,
  }),
});
