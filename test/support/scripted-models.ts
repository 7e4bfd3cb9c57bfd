import { CodedError, type Events } from '../../src-main/base/index.ts';
import type { HostServiceEvents, ModelService } from '../../src-main/api/index.ts';
import type { DownloadRow, Fit, HeldModel, ModelList, ModelsNow, Unfinished } from '../../src-preload/bridge/index.ts';

const here = (needBytes: number): Fit => ({ fits: 'here', basis: 'header', needBytes, freeBytes: 9_600_000_000 });
const GUIDE: HeldModel = {
  id: 'omni-guide', name: 'OmniNode Guide', kind: 'built-in', architecture: 'qwen3', quantization: 'Q8_0', layers: 6, trainedTokens: 2048, sizeBytes: 3_219_008, heldBytes: 3_219_008, fileBytes: 0, cutBytes: 5_130_000,
  isPinned: false, isOwned: false, usability: 'in-use', fit: here(140_000_000),
};
/** One that fits, one for which others are needed, one of the user's own, pieces for others. */
export const HELD: readonly HeldModel[] = [
  GUIDE,
  { ...GUIDE, id: 'qwen3-4b-Q4_K_M', name: 'Qwen3 4B Instruct', kind: 'file', quantization: 'Q4_K', layers: 36, trainedTokens: 262_144, sizeBytes: 2_497_281_120, heldBytes: 2_497_281_120, fileBytes: 2_497_281_120, cutBytes: 0, usedAtMs: 1_795_000_000_000, isPinned: true, isOwned: true, usability: 'can', fit: here(2_780_000_000) },
  {
    ...GUIDE, id: 'gpt-oss-20b', name: 'gpt-oss 20B', kind: 'file', architecture: 'gpt-oss', quantization: 'MXFP4', layers: 24, trainedTokens: 131_072, sizeBytes: 12_109_566_624, heldBytes: 12_109_566_624, fileBytes: 12_109_566_624, cutBytes: 0, isOwned: true,
    usability: 'too-large', fit: { fits: 'with-peers', basis: 'header', needBytes: 12_300_000_000, freeBytes: 9_600_000_000, peersNeeded: 1, asked: { counted: 2, silent: 1, unwilling: 0 } },
  },
  { ...GUIDE, id: 'f'.repeat(64), name: 'Llama 3.3 70B Instruct', kind: 'pieces', architecture: 'llama', quantization: 'Q4_K', layers: 80, trainedTokens: 131_072, sizeBytes: 42_500_000_000, heldBytes: 5_300_000_000, fileBytes: 0, cutBytes: 5_300_000_000, isOwned: true, usability: 'pieces-only', fit: { fits: 'no', basis: 'header', needBytes: 42_900_000_000, freeBytes: 9_600_000_000, asked: { counted: 2, silent: 1, unwilling: 0 } } },
];
const BROKEN_OFF: Unfinished = { source: 'hf:me/one@cccc/one-Q8_0.gguf', name: 'one-Q8_0', sizeBytes: 6_000_000_000, storedBytes: 2_500_000_000, isUnderWay: false, canResume: true };
const SUGGESTED = [['Qwen3 1.7B', 1_834_426_016], ['gpt-oss 20B', 12_109_566_624], ['gpt-oss 120B', 63_387_346_208]] as const;

const refused = (code: string, message: string, next: string): CodedError => new CodedError({ code, message, next, fault: 'local', retryable: true });

/** Models of nobody's disk, whose downloads a test drives. */
export class ScriptedModels implements ModelService {
  models = [...HELD];
  unfinished = [BROKEN_OFF];
  isOffline = false;
  /** What was asked, in order. */
  readonly asked: unknown[] = [];
  /** Resolves a choice of a model, or refuses it. */
  onUse: (id: string) => Promise<void> = async () => undefined;
  #now: ModelsNow = { revision: 0, downloads: [] };
  readonly #events: Events<HostServiceEvents>;

  constructor(events: Events<HostServiceEvents>) {
    this.#events = events;
  }

  now = (): ModelsNow => this.#now;

  tell(change: Partial<ModelsNow>): void {
    this.#now = { ...this.#now, revision: this.#now.revision + 1, ...change };
    this.#events.emit('models', this.#now);
  }

  put(row: Partial<DownloadRow> & Pick<DownloadRow, 'id'>): DownloadRow {
    const before = this.#now.downloads.find(({ id }) => id === row.id) ?? { id: row.id, source: '', kind: 'download', state: 'running' };
    const next: DownloadRow = { ...before, ...row };
    this.tell({ downloads: [...this.#now.downloads.filter(({ id }) => id !== row.id), next] });
    return next;
  }

  #note(what: unknown): object {
    this.asked.push(what);
    return {};
  }

  list: ModelService['list'] = (): ModelList => ({ models: this.models, unfinished: this.unfinished, contextTokens: 1024, disk: { usedBytes: 22_412_000_000, reservedBytes: 0, quotaBytes: 40_000_000_000, freeBytes: 61_000_000_000, pinnedBytes: 2_497_281_120 } });
  suggested: ModelService['suggested'] = () => ({ asOf: '2026-11-21', models: SUGGESTED.map(([name, sizeBytes]) => ({
    name, sizeBytes, repo: `me/${name}`, source: `hf:me/${name}/file.gguf`, architecture: 'qwen3', license: 'apache-2.0', isHeld: name === 'gpt-oss 20B',
    fit: sizeBytes < 9.6e9 ? { ...here(sizeBytes), basis: 'size' } : { fits: sizeBytes < 2e10 ? 'with-peers' : 'no', basis: 'size', needBytes: sizeBytes, freeBytes: 9_600_000_000, ...(sizeBytes < 2e10 ? { peersNeeded: 1 } : {}) },
  })) });
  search: ModelService['search'] = ({ text }) => {
    this.#note(text);
    if (this.isOffline) throw refused('HUB_UNREACHABLE', 'https://huggingface.co could not be reached (ENOTFOUND)', 'Check the connection, then search again.');
    return { hits: text === 'none' ? [] : [{ repo: 'Qwen/Qwen3-8B-GGUF', downloads: 1_234_567, likes: 300, license: 'apache-2.0', isGated: false }, { repo: 'google/gemma-3-12b-it-qat-q4_0-gguf', downloads: 98_000, likes: 100, license: 'gemma', isGated: true }] };
  };
  files: ModelService['files'] = ({ repo }) => ({ isCut: false, files: [['Q4_K_M', 5.03e9], ['Q8_0', 8.71e9], ['BF16', 16.4e9]].map(([quantization, bytes]) => ({
    source: `hf:${repo}/Qwen3-8B-${quantization}.gguf`, name: `Qwen3-8B-${quantization}`, quantization: String(quantization), sizeBytes: Number(bytes), parts: 1, isHeld: false,
    fit: Number(bytes) < 9.6e9 ? { ...here(Number(bytes)), basis: 'size' } : { fits: 'no', basis: 'size', needBytes: Number(bytes), freeBytes: 9_600_000_000 },
  })) });
  stopLookup: ModelService['stopLookup'] = () => this.#note('stop') as Record<string, never>;
  download: ModelService['download'] = ({ source }) => {
    this.#note({ download: source });
    this.unfinished = this.unfinished.filter((one) => one.source !== source);
    return this.put({ id: 'd1', source, state: 'running', name: 'Qwen3-8B-Q4_K_M' });
  };
  addPath: ModelService['addPath'] = ({ path }) => {
    this.#note({ path });
    return this.put({ id: 'p1', source: path, kind: 'file', state: 'done', name: 'mine' });
  };
  upload: ModelService['upload'] = ({ name, sizeBytes }) => {
    this.#note({ name, sizeBytes });
    return this.put({ id: 'u1', source: name, kind: 'upload', state: 'running', name, progress: { phase: 'uploading', file: name, part: 1, parts: 1, bytesDone: 0, bytesTotal: sizeBytes } });
  };
  uploaded: ModelService['uploaded'] = async (id, atByte, bytes) => {
    this.#note({ id, atByte, bytes: bytes.length });
    this.put({ id, state: 'done' });
    return { receivedBytes: atByte + bytes.length };
  };
  pause: ModelService['pause'] = ({ id }) => this.put({ id, state: 'paused' });
  resume: ModelService['resume'] = ({ id }) => this.put({ id, state: 'running' });
  cancel: ModelService['cancel'] = ({ id }) => this.put({ id, state: 'cancelled' });
  dismiss: ModelService['dismiss'] = ({ id }) => {
    this.tell({ downloads: this.#now.downloads.filter((row) => row.id !== id) });
    return {};
  };
  throttle: ModelService['throttle'] = ({ bytesPerSecond }) => {
    this.tell(bytesPerSecond === null ? {} : { bytesPerSecond });
    return {};
  };
  dropUnfinished: ModelService['dropUnfinished'] = () => {
    this.unfinished = [];
    this.tell({});
    return { freedBytes: BROKEN_OFF.storedBytes };
  };
  pin: ModelService['pin'] = ({ id, isPinned }) => {
    this.models = this.models.map((model) => (model.id === id ? { ...model, isPinned } : model));
    this.tell({});
    return {};
  };
  remove: ModelService['remove'] = ({ id }) => {
    this.models = this.models.filter((model) => model.id !== id);
    this.tell({});
    return { freedBytes: 2_497_281_120 };
  };
  layers: ModelService['layers'] = ({ id }) => {
    const layers = this.models.find((model) => model.id === id)?.layers ?? 6;
    const third = Math.floor(layers / 3);
    return { layers, holders: [
      { peerId: '12D3KooWScriptedHost', isHere: true, held: [[0, layers - 1]], loaded: [[0, third - 1]] },
      { peerId: '12D3KooWScriptedPeerNumber1', name: 'studio', isHere: false, held: [[third, layers - 1]], loaded: [[third, layers - 1]] },
      { peerId: '12D3KooWScriptedFarNode', isHere: false, held: [[0, 1]], loaded: [] },
    ] };
  };
  use: ModelService['use'] = async ({ id, running }) => {
    this.#note({ use: id, running });
    await this.onUse(id);
    this.models = this.models.map((model) => (model.id === id ? { ...model, usability: 'in-use' } : model.usability === 'in-use' ? { ...model, usability: 'can' } : model));
    this.tell({});
    return {};
  };
}
