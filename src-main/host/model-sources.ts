import { createLogger, systemClock, type Logger } from '../base/index.ts';
import { createMesh, type Mesh } from '../mesh/index.ts';
import { Catalog } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import { findProviders, type FinderInit, type FoundProvider } from './find-providers.ts';
import { catalogPath } from './local-store.ts';
import { passingIdentity, zoneOptions } from './mesh-zone.ts';
import { createMetricsRegistry } from './metrics-registry.ts';

export interface ModelSourcesOptions {
  /** Addresses of members of the mesh. */
  readonly members: readonly string[];
  readonly ways?: FinderInit['ways'];
  readonly onFound?: ((found: FoundProvider) => void) | undefined;
}

/** Addresses as they are found, each list of one peer. */
export interface Routes {
  readonly routes: AsyncIterable<readonly string[]>;
  /** Settles when the search ends: whether there is anybody at all, those known before included. */
  readonly isAnyFound: Promise<boolean>;
}

/** Who may have a model: the members that were named, and whoever is found through them, the catalogue and the DHT. */
export class ModelSources {
  readonly #options: ModelSourcesOptions;
  readonly #catalog: Catalog;
  readonly #logger: Logger;
  readonly #mesh: Mesh;
  #isMeshStarted = false;
  readonly #known: string[];

  private constructor(options: ModelSourcesOptions, parts: { readonly catalog: Catalog; readonly logger: Logger; readonly mesh: Mesh }) {
    this.#options = options;
    this.#catalog = parts.catalog;
    this.#logger = parts.logger;
    this.#mesh = parts.mesh;
    this.#known = [...options.members];
  }

  /** A passing node of its own asks, under another identity: an app with the same home may be running. Throws CATALOG_*. */
  static async open(config: HostConfig, options: ModelSourcesOptions): Promise<ModelSources> {
    const logger = createLogger(config.logLevel);
    const mesh = await createMesh({ listen: [], identity: passingIdentity(config), ...(await zoneOptions(config)), mdns: false, dht: config.dht && options.ways?.dht !== false, agent: 'omninode' }, { logger, metrics: createMetricsRegistry(), clock: systemClock });
    return new ModelSources(options, { catalog: new Catalog(catalogPath(config.home)), logger, mesh });
  }

  /** Addresses that are known by now. */
  get known(): readonly string[] {
    return this.#known;
  }

  /** Searches until all were asked, or the signal. */
  routesTo(cids: readonly string[], signal: AbortSignal): Routes {
    const ended = Promise.withResolvers<boolean>();
    return { routes: this.#search(cids, signal, ended), isAnyFound: ended.promise };
  }

  async close(): Promise<void> {
    if (this.#isMeshStarted) await this.#mesh.stop();
    this.#catalog.close();
  }

  async *#search(cids: readonly string[], signal: AbortSignal, ended: PromiseWithResolvers<boolean>): AsyncGenerator<readonly string[]> {
    try {
      if (!this.#isMeshStarted) {
        this.#isMeshStarted = true;
        await this.#mesh.start();
      }
      const { members, ways, onFound } = this.#options;
      const finder = { mesh: this.#mesh, catalog: this.#catalog, logger: this.#logger, ...(ways === undefined ? {} : { ways }) };
      for await (const found of findProviders(finder, { cids, members, signal })) {
        const isNew = found.addresses.some((address) => !this.#known.includes(address));
        if (!isNew) continue;
        this.#known.push(...found.addresses.filter((address) => !this.#known.includes(address)));
        onFound?.(found);
        yield found.addresses;
      }
    } finally {
      ended.resolve(this.#known.length > 0);
    }
  }
}
