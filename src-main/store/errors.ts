import { defineErrors, spec } from '../base/index.ts';

/** Where in the file: `field` names what was read, `offset` is the byte where it starts. */
type At = {
  readonly field: string;
  readonly offset: number;
};

const damaged = 'Download the model again or choose another file: this one is damaged or not a GGUF model.';

export const ggufErrors = defineErrors('GGUF', {
  badMagic: spec<{ found: string }>({ fault: 'user', message: (m) => `The file does not start with "GGUF" (found ${m.found}).`, next: 'Choose a model file in GGUF format.' }),
  badVersion: spec<{ version: number; offset: number }>({ fault: 'user', message: (m) => `GGUF version ${m.version} is not supported (byte ${m.offset}).`, next: 'Use a little-endian GGUF file of version 2 or 3.' }),
  truncated: spec<At & { needBytes: number; haveBytes: number }>({ fault: 'user', message: (m) => `The file ends inside ${m.field} at byte ${m.offset}: ${m.needBytes} bytes needed, ${m.haveBytes} left.`, next: damaged }),
  tooBig: spec<At & { value: number | string; max: number }>({ fault: 'user', message: (m) => `${m.field} at byte ${m.offset} is ${m.value}, more than the limit of ${m.max}.`, next: damaged }),
  badType: spec<At & { type: number }>({ fault: 'user', message: (m) => `${m.field} at byte ${m.offset} has the unknown type ${m.type}.`, next: damaged }),
  badValue: spec<At & { value: string }>({ fault: 'user', message: (m) => `${m.field} at byte ${m.offset} has the impossible value ${m.value}.`, next: damaged }),
  badText: spec<At>({ fault: 'user', message: (m) => `${m.field} at byte ${m.offset} is not valid UTF-8.`, next: damaged }),
  duplicate: spec<At & { name: string }>({ fault: 'user', message: (m) => `${m.field} "${m.name}" occurs twice, again at byte ${m.offset}.`, next: damaged }),
  tooDeep: spec<At & { max: number }>({ fault: 'user', message: (m) => `${m.field} at byte ${m.offset} nests arrays deeper than ${m.max}.`, next: damaged }),
  badTensorShape: spec<{ tensor: string; dims: string; type: string; offset: number }>({ fault: 'user', message: (m) => `Tensor ${m.tensor} of shape ${m.dims} cannot be stored as ${m.type} (byte ${m.offset}).`, next: damaged }),
  tensorOutOfFile: spec<{ tensor: string; start: number; sizeBytes: number; fileBytes: number }>({ fault: 'user', message: (m) => `Tensor ${m.tensor} lies at bytes ${m.start} to ${m.start + m.sizeBytes}, outside the file of ${m.fileBytes} bytes.`, next: damaged }),
  misaligned: spec<{ tensor: string; offset: number; alignment: number }>({ fault: 'user', message: (m) => `Tensor ${m.tensor} at data offset ${m.offset} is not aligned to ${m.alignment}.`, next: damaged }),
  overlap: spec<{ tensor: string; other: string }>({ fault: 'user', message: (m) => `Tensors ${m.other} and ${m.tensor} overlap.`, next: damaged }),
  missingKey: spec<{ key: string; expected: string }>({ fault: 'user', message: (m) => `The model's metadata has no usable ${m.key} (expected ${m.expected}).`, next: 'Convert the model again with a current converter.' }),
});

export const storeErrors = defineErrors('STORE', {
  readFailed: spec<{ name: string; offset: number }>({ fault: 'local', message: (m) => `${m.name} cannot be read at byte ${m.offset}.`, next: 'Check that the file or address exists, is a file and may be read.' }),
  outOfRange: spec<{ name: string; offset: number; lengthBytes: number; sizeBytes: number }>({ fault: 'local', message: (m) => `Bytes ${m.offset} + ${m.lengthBytes} lie outside ${m.name}, which has ${m.sizeBytes}.`, next: 'Open the file again: it may have changed.' }),
  badUrl: spec<{ url: string }>({ fault: 'user', message: (m) => `"${m.url}" is not an http or https address.`, next: 'Give an address that starts with https://.' }),
  httpStatus: spec<{ url: string; status: number }>({ fault: 'peer', retryable: true, message: (m) => `${m.url} answered ${m.status} instead of 206 to a range request.`, next: 'Check the address, or download the file whole: the server may not serve ranges.' }),
  httpRange: spec<{ url: string; asked: string; given: string }>({ fault: 'peer', message: (m) => `${m.url} was asked for ${m.asked} and sent "${m.given}".`, next: 'Use another server: this one does not serve ranges correctly.' }),
  httpChanged: spec<{ url: string }>({ fault: 'peer', retryable: true, message: (m) => `${m.url} changed while it was read.`, next: 'Start again.' }),
});

export const dagErrors = defineErrors('DAG', {
  badSize: spec<{ sizeBytes: number; maxBytes: number }>({ fault: 'peer', message: (m) => `A shard has 1 to ${m.maxBytes} bytes, not ${m.sizeBytes}.`, next: 'Cut the model into smaller shards.' }),
  noSuchLeaf: spec<{ leaf: number; leaves: number }>({ fault: 'peer', message: (m) => `There is no leaf ${m.leaf} among ${m.leaves}.`, next: 'Ask for leaves that the shard has.' }),
  wrongLeaves: spec<{ cid?: string; problem: string }>({ fault: 'peer', message: (m) => `The list of leaf hashes${m.cid === undefined ? '' : ` of ${m.cid}`} is wrong: ${m.problem}.`, next: 'Fetch the list from another peer.' }),
});

export const blockErrors = defineErrors('BLOCK', {
  notHere: spec<{ cid: string }>({ fault: 'local', message: (m) => `${m.cid} is not in the store.`, next: 'Fetch it from a peer that has it.' }),
  notYet: spec<{ cid: string; leaf: number }>({ fault: 'local', retryable: true, message: (m) => `Leaf ${m.leaf} of ${m.cid} is being downloaded and not here yet.`, next: 'Ask again in a moment, or fetch it from another peer.' }),
  gone: spec<{ cid: string; path: string }>({ fault: 'local', message: (m) => `${m.path}, where ${m.cid} lay, cannot be opened.`, next: 'Bring the file back, or run `omninode store verify`.' }),
  damaged: spec<{ cid: string; path: string; leaf: number }>({ fault: 'local', message: (m) => `${m.path} has other bytes at leaf ${m.leaf} than ${m.cid} says.`, next: 'Run `omninode store verify`, then fetch or cut the shard again.' }),
  wrongHash: spec<{ cid: string }>({ fault: 'peer', message: (m) => `These bytes are not ${m.cid}.`, next: 'Fetch the block from another peer.' }),
  tooBig: spec<{ cid: string; sizeBytes: number; maxBytes: number }>({ fault: 'peer', message: (m) => `The block ${m.cid} has ${m.sizeBytes} bytes, more than ${m.maxBytes}.`, next: 'Fetch the block from another peer.' }),
  readOnly: spec<{ cid: string }>({ fault: 'local', message: (m) => `${m.cid} cannot be put or deleted as a block.`, next: 'Add, fetch or remove the whole shard.' }),
});

type Catalogue = {
  readonly path: string;
  readonly reason: string;
};

export const catalogErrors = defineErrors('CATALOG', {
  damaged: spec<Catalogue>({ fault: 'local', message: (m) => `The catalogue ${m.path} is damaged: ${m.reason}.`, next: 'Run the command again: the catalogue is made anew out of what is readable and what lies on the disk.' }),
  tooNew: spec<{ path: string; version: number }>({ fault: 'user', message: (m) => `The catalogue ${m.path} was written by a newer OmniNode (version ${m.version}).`, next: 'Update OmniNode, or choose another home folder.' }),
  busy: spec<Catalogue>({ fault: 'local', retryable: true, message: (m) => `The catalogue ${m.path} is in use by another process for too long.`, next: 'Try again.' }),
  diskFull: spec<Catalogue>({ fault: 'local', message: (m) => `The disk is too full to write the catalogue ${m.path}.`, next: 'Free some space, then run `omninode store gc`.' }),
  unusable: spec<Catalogue>({ fault: 'local', message: (m) => `The catalogue ${m.path} cannot be used: ${m.reason}.`, next: 'Check the folder and its permissions.' }),
  inUse: spec<{ resource: string; pid: number }>({ fault: 'local', retryable: true, message: (m) => `${m.resource} is in use by process ${m.pid}.`, next: 'Wait for that process to be done, or end it.' }),
});

/** Files that are not whole yet and what they count; `pid` is of the process that is at it, null for what was broken off. */
type Unfinished = {
  readonly unfinished: ReadonlyArray<{ readonly origin: string; readonly countedBytes: number; readonly pid: number | null }>;
};

const holders = ({ unfinished }: Unfinished): string =>
  (unfinished.length === 0 ? '' : ` Not whole yet: ${unfinished.map(({ origin, countedBytes, pid }) => `${origin}, ${countedBytes} bytes (${pid === null ? 'broken off' : `process ${pid}`})`).join('; ')}.`);

function wayOut({ unfinished }: Unfinished): string {
  const isBrokenOff = unfinished.some(({ pid }) => pid === null);
  const isUnderWay = unfinished.some(({ pid }) => pid !== null);
  return `${isBrokenOff ? 'Go on with what was broken off, or remove it (`omninode store gc --unfinished`). ' : ''}${isUnderWay ? 'Wait for the downloads under way, or end them. ' : ''}`;
}

export const spaceErrors = defineErrors('SPACE', {
  quota: spec<Unfinished & { needBytes: number; usedBytes: number; quotaBytes: number }>({
    fault: 'user', message: (m) => `The store may hold ${m.quotaBytes} bytes and holds ${m.usedBytes} that are pinned, in use, just made or kept for downloads: there is no room for ${m.needBytes} more.${holders(m)}`,
    next: (m) => `${wayOut(m)}${m.unfinished.length === 0 ? 'Raise' : 'Or raise'} the quota, unpin or remove a model, or stop what uses one.`,
  }),
  diskFull: spec<Unfinished & { needBytes: number; freeBytes: number; reservedBytes: number }>({
    fault: 'local', message: (m) => `The disk has ${m.freeBytes} bytes free${m.reservedBytes === 0 ? '' : `, of which ${m.reservedBytes} are kept for downloads`}, too few for ${m.needBytes} more and some room to breathe.${holders(m)}`,
    next: (m) => `${wayOut(m)}${m.unfinished.length === 0 ? 'Free' : 'Or free'} some space, or choose another home folder.`,
  }),
  alreadyHere: spec<{ cid: string }>({ fault: 'user', message: (m) => `The shard ${m.cid} is already here.`, next: 'Nothing needs to be done.' }),
  notWhole: spec<{ cid: string; missing: number }>({ fault: 'local', retryable: true, message: (m) => `The shard ${m.cid} lacks ${m.missing} leaves.`, next: 'Fetch what is missing.' }),
  noSuchModel: spec<{ model: string }>({ fault: 'user', message: (m) => `There is no model "${m.model}" in the store.`, next: 'See `omninode model ls`; give its name or CID.' }),
  ambiguous: spec<{ model: string; cids: readonly string[] }>({ fault: 'user', message: (m) => `"${m.model}" is the name of ${m.cids.length} models.`, next: (m) => `Give the CID of one: ${m.cids.join(', ')}.` }),
  pinned: spec<{ model: string }>({ fault: 'user', message: (m) => `The model ${m.model} is pinned.`, next: 'Unpin it first (`omninode model unpin`).' }),
});

const supportedNext = 'Run the model whole with `omninode infer`, or choose one of the supported architectures.';

export const shardErrors = defineErrors('SHARD', {
  unsupportedArchitecture: spec<{ architecture: string; supported: string }>({ fault: 'user', message: (m) => `Models of architecture "${m.architecture}" cannot be split. Supported: ${m.supported}.`, next: supportedNext }),
  splitModel: spec<{ name: string }>({ fault: 'user', message: (m) => `${m.name} is one part of a model in several files, which are not all there or do not belong together.`, next: 'Put all parts into one folder under the names they were published with, or merge them (llama-gguf-split --merge).' }),
  alreadyShard: spec<{ name: string }>({ fault: 'user', message: (m) => `${m.name} is already a shard.`, next: 'Give the whole model.' }),
  notAShard: spec<{ name: string }>({ fault: 'user', message: (m) => `${m.name} is not a shard of OmniNode.`, next: 'Give files that `omninode shard` wrote.' }),
  missingTensor: spec<{ tensor: string }>({ fault: 'user', message: (m) => `The model lacks the tensor ${m.tensor}.`, next: damaged }),
  unknownTensor: spec<{ tensor: string }>({ fault: 'user', message: (m) => `The model has a tensor ${m.tensor} that no stage of this architecture uses.`, next: supportedNext }),
  badPattern: spec<{ key: string; layers: number; items: number }>({ fault: 'user', message: (m) => `${m.key} has ${m.items} items for ${m.layers} layers.`, next: damaged }),
  badRange: spec<{ first: number; last: number; have: string }>({ fault: 'user', message: (m) => `Layers ${m.first}-${m.last} are not a range within ${m.have}.`, next: 'Give a first and a last layer, counted from 0, both included.' }),
  badPlan: spec<{ reason: string }>({ fault: 'user', message: (m) => `The model cannot be split like that: ${m.reason}.`, next: 'Choose another number of shards or other cut points.' }),
  cutNotAllowed: spec<{ architecture: string; layers: number; first: number; last: number }>({ fault: 'user', message: (m) => `llama.cpp scales attention of ${m.architecture} with ${m.layers} layers by its depth, so layers ${m.first}-${m.last} alone would compute something else; no cut of this model is possible.`, next: 'Run this model as one stage.' }),
  notAdjacent: spec<{ before: string; after: string }>({ fault: 'user', message: (m) => `Shards do not follow each other: ${m.before}, then ${m.after}.`, next: 'Give neighbouring shards of one model, in order.' }),
  rangeNotWhole: spec<{ first: number; last: number; starts: string }>({ fault: 'user', message: (m) => `Layers ${m.first}-${m.last} are not made of whole shards; shards start at layers ${m.starts}.`, next: 'Choose a range that starts and ends at shard borders.' }),
  badManifest: spec<{ name: string; problem: string }>({ fault: 'peer', message: (m) => `${m.name} is not a valid manifest: ${m.problem}.`, next: 'Create or fetch the manifest again.' }),
  missing: spec<{ path: string }>({ fault: 'local', message: (m) => `The shard ${m.path} is not there.`, next: 'Fetch or cut it again.' }),
  wrongSize: spec<{ path: string; expected: number; actual: number }>({ fault: 'peer', message: (m) => `${m.path} has ${m.actual} bytes instead of ${m.expected}.`, next: 'Fetch or cut it again.' }),
  hashMismatch: spec<{ path: string; expected: string; actual: string }>({ fault: 'peer', message: (m) => `${m.path} has BLAKE3 ${m.actual} instead of ${m.expected}.`, next: 'Fetch or cut it again.' }),
  diskFull: spec<{ path: string; needBytes: number }>({ fault: 'local', message: (m) => `The disk is too full to write ${m.path} (${m.needBytes} bytes).`, next: 'Free some space or choose another folder.' }),
  writeFailed: spec<{ path: string }>({ fault: 'local', message: (m) => `${m.path} cannot be written.`, next: 'Check the folder and its permissions.' }),
  cancelled: spec<{ path: string }>({ fault: 'user', message: (m) => `Writing ${m.path} was cancelled.`, next: 'Start again: shards that are whole are kept.' }),
});
