import { join } from 'node:path';
import type { Downloads, HostServiceEvents, ModelService } from '../../api/index.ts';
import type { Events } from '../../base/index.ts';
import type { LocalStore } from '../../store/index.ts';
import { MODEL_LIMITS, type LayerMap, type Member, type ModelList, type ModelsNow } from '../../../src-preload/bridge/index.ts';
import type { ChatModel, ServedFile } from '../chat-model.ts';
import { updateConfigFile } from '../config-file.ts';
import type { Settings } from '../config.ts';
import { hostErrors } from '../errors.ts';
import { withStore } from '../local-store.ts';
import { BUILT_IN_MODEL, findModel, type ModelFile } from '../model-file.ts';
import { localModels, withoutCommit } from '../named-models.ts';
import type { AppPaths } from '../paths.ts';
import { isOutdated } from '../settings/live-settings.ts';
import { diskOf, heldRow, unfinishedModels } from './held-list.ts';
import { layerHolders } from './layer-holders.ts';
import { Lookups } from './lookups.ts';
import type { Memory, MeshMemory } from './mesh-fit.ts';
import { FactsReader } from './model-facts.ts';
import { letGo, shelf, unshelve, type ShelvedModel } from './shelf.ts';
import { Uploads } from './uploads.ts';

export interface HostModelsInit {
  readonly settings: Settings;
  readonly paths: AppPaths;
  readonly chat: ChatModel;
  readonly downloads: Downloads;
  readonly memory: MeshMemory;
  readonly events: Events<HostServiceEvents>;
  readonly self: { readonly peerId: string };
  readonly members: () => readonly Member[];
  /** How a file is served: its name for programs, and over how many nodes. */
  readonly servedOf: (model: string, file: ModelFile) => ServedFile;
  readonly served: { readonly file: ModelFile; readonly missing?: string };
}

/** The models of this home, for its page: what is here, what comes, and which one answers. */
export class HostModels implements ModelService {
  readonly #init: HostModelsInit;
  readonly #facts: FactsReader;
  readonly #lookups: Lookups;
  readonly #uploads: Uploads;
  readonly #stopped = new AbortController();
  /** The model that answers: not yet the one of a switch under way. */
  #served: { readonly model: string; readonly path: string };
  #missing: string | undefined;
  #revision = 0;

  constructor(init: HostModelsInit) {
    this.#init = init;
    const { settings, paths, downloads } = init;
    this.#facts = new FactsReader(settings.config);
    this.#lookups = new Lookups({ settings, paths, memory: (signal) => init.memory.now(false, signal), held: () => this.#sources() });
    this.#uploads = new Uploads({ settings, downloads });
    this.#served = { model: init.chat.served.model, path: init.served.file.path };
    this.#missing = init.served.missing;
    downloads.events.on('changed', () => this.#tell());
    downloads.events.on('ended', () => this.#changed());
  }

  now(): ModelsNow {
    const { downloads } = this.#init;
    const { bytesPerSecond } = downloads;
    return { revision: this.#revision, downloads: downloads.list(), ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }) };
  }

  list({ ask }: { readonly ask: boolean }): Promise<ModelList> {
    const { config } = this.#init.settings;
    return withStore(config, async (store) => {
      const context = { store, facts: this.#facts, memory: await this.#memory(ask), contextTokens: config.contextTokens, servedPath: this.#served.path, signal: this.#stopped.signal, isOverMesh: config.chatOver !== 'this-machine' };
      const models = [];
      for (const model of this.#shelf(store).slice(0, MODEL_LIMITS.listed)) models.push(await heldRow(model, context));
      const { disk, unfinished } = await diskOf(store);
      return { models, unfinished: unfinishedModels(unfinished).slice(0, MODEL_LIMITS.unfinished).map(({ row }) => row), disk, contextTokens: config.contextTokens, ...(this.#missing === undefined ? {} : { missing: this.#missing }) };
    });
  }

  suggested: ModelService['suggested'] = () => this.#lookups.suggested(this.#stopped.signal);
  search: ModelService['search'] = (input) => this.#lookups.search(input);
  files: ModelService['files'] = (input) => this.#lookups.files(input);

  stopLookup: ModelService['stopLookup'] = ({ lookup }) => {
    this.#lookups.stop(lookup);
    return {};
  };

  download: ModelService['download'] = ({ source }) => this.#init.downloads.start({ source });
  addPath: ModelService['addPath'] = ({ path }) => this.#init.downloads.start({ source: path }, 'file');
  upload: ModelService['upload'] = (input) => this.#uploads.begin(input);
  uploaded: ModelService['uploaded'] = (id, atByte, bytes) => this.#uploads.write(id, atByte, bytes);
  pause: ModelService['pause'] = ({ id }) => this.#init.downloads.pause(id);
  resume: ModelService['resume'] = ({ id }) => this.#init.downloads.resume(id);

  cancel: ModelService['cancel'] = async ({ id, drop }) => {
    const row = await this.#init.downloads.cancel(id);
    if (drop && row.kind === 'download') await this.#drop(row.source);
    return row;
  };

  dismiss: ModelService['dismiss'] = ({ id }) => {
    this.#init.downloads.dismiss(id);
    return {};
  };

  throttle: ModelService['throttle'] = ({ bytesPerSecond }) => {
    this.#init.downloads.throttle(bytesPerSecond ?? undefined);
    return {};
  };

  dropUnfinished: ModelService['dropUnfinished'] = async ({ source }) => ({ freedBytes: await this.#drop(source) });

  pin: ModelService['pin'] = async ({ id, isPinned }) => {
    await this.#with(id, (store, { local, cuts }) => {
      if (local !== undefined) store.pinFiles(local.files.map(({ path }) => path), isPinned);
      else for (const { cid } of cuts) isPinned ? store.catalog.pin(cid) : store.catalog.unpin(cid);
    });
    this.#changed();
    return {};
  };

  remove: ModelService['remove'] = async ({ id }) => {
    const freedBytes = await this.#with(id, (store, model) => {
      if (model.kind === 'built-in') throw hostErrors.notRemovable({ model: model.name });
      if (model.path === this.#served.path) throw hostErrors.modelInUse({ model: model.name });
      return unshelve(store, model);
    });
    this.#changed();
    return { freedBytes };
  };

  layers({ id }: { readonly id: string }): Promise<LayerMap> {
    const { chat, self, members } = this.#init;
    return this.#with(id, async (store, model) => {
      const layers = (model.path === undefined ? undefined : await this.#facts.of(model.path))?.facts.layers ?? model.cuts[0]?.manifest.total_layers ?? 0;
      return layerHolders({ store, model, layers, self: { peerId: self.peerId, offers: chat.offers }, members: members() });
    });
  }

  /** Kept in the configuration once it answers, so that the next start uses it too. */
  use: ModelService['use'] = async ({ id, running }) => {
    const { settings: { config }, paths, chat, servedOf } = this.#init;
    const file = await findModel(id, { paths, config });
    const formerPath = this.#served.path;
    const isAsConfigured = chat.loadedWith === undefined || !isOutdated(chat.loadedWith, config);
    if (file.path === formerPath && chat.status.kind !== 'error' && isAsConfigured) return {};
    try {
      await chat.use(servedOf(id, file), running);
      [this.#served, this.#missing] = [{ model: id, path: file.path }, undefined];
      await updateConfigFile(config.home, (source) => ({ ...source, model: id }));
      return {};
    } finally {
      await this.#letGo(formerPath);
      await this.#letGo(file.path);
      this.#changed();
    }
  };

  stop(): void {
    this.#stopped.abort();
    this.#lookups.stopAll();
  }

  /** A model that does not answer is not in the way of eviction any more. */
  async #letGo(path: string): Promise<void> {
    if (path === this.#served.path) return;
    const gone = withStore(this.#init.settings.config, async (store) => {
      const model = this.#shelf(store).find((one) => one.path === path);
      await letGo(store, model ?? { path, cutFiles: [] });
    });
    // Else it is so when this process ends: that is no reason to call a switch failed.
    await gone.catch(() => undefined);
  }

  #shelf(store: LocalStore): ShelvedModel[] {
    const { paths } = this.#init;
    return shelf(store, { builtIn: { id: BUILT_IN_MODEL, path: join(paths.models, `${BUILT_IN_MODEL}.gguf`) }, served: this.#served });
  }

  #with<T>(id: string, use: (store: LocalStore, model: ShelvedModel) => T | Promise<T>): Promise<T> {
    return withStore(this.#init.settings.config, (store) => {
      const models = this.#shelf(store);
      const model = models.find((one) => one.id === id);
      if (model === undefined) throw hostErrors.modelNotFound({ model: id.slice(0, 200), known: models.map(({ name }) => name) });
      return use(store, model);
    });
  }

  async #drop(source: string): Promise<number> {
    const freedBytes = await withStore(this.#init.settings.config, async (store) => {
      const meant = unfinishedModels((await store.stats()).unfinished).find(({ origins }) => origins.includes(withoutCommit(source)));
      return meant === undefined ? 0 : store.dropUnfinished(meant.paths);
    });
    this.#changed();
    return freedBytes;
  }

  #memory(ask: boolean): Promise<Memory> {
    return this.#init.memory.now(ask, this.#stopped.signal);
  }

  #sources(): Promise<ReadonlySet<string>> {
    return withStore(this.#init.settings.config, (store) => new Set(localModels(store.catalog.modelFiles.list()).map(({ reference }) => reference)));
  }

  #changed(): void {
    this.#revision += 1;
    this.#tell();
  }

  #tell(): void {
    this.#init.events.emit('models', this.now());
  }
}
