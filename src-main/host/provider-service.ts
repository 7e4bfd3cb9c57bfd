import { RateLimiter, systemClock, toCoded, type Logger, type Service, type Unsubscribe } from '../base/index.ts';
import type { Mesh, TopicMessage } from '../mesh/index.ts';
import { ANNOUNCE_TTL_MS, Announcer, answerForProviders, Catalog, createAnnouncementGuard, decodeAnnouncement, HoldingsReader, PROVIDERS_LIMITS, PROVIDERS_PROTOCOL, PROVIDERS_QUESTION_RATE, PROVIDERS_SWEEP_MS, PROVIDERS_TOPIC, RecordKeeper, type AnnouncerTimes, type Holdings, type ToldProvider } from '../store/index.ts';
import { catalogPath } from './local-store.ts';

/** How long those who hear us may take to say that they did, at the end. */
const FAREWELL_MS = 1000;

export interface ProviderServiceInit {
  readonly home: string;
  /** Of the long-lived node, started. */
  readonly mesh: Mesh;
  readonly logger: Logger;
  /** Where this node's shards are fetched; absent when it gives none: then it only listens. */
  readonly transferAddresses?: (() => readonly string[]) | undefined;
  /** By which ways it tells what it has; by default all. */
  readonly tell?: { readonly gossip?: boolean; readonly dht?: boolean };
  readonly times?: Partial<AnnouncerTimes>;
}

/**
 * This node's part in knowing who has what: notes what others announce, tells what is here, over gossip and the DHT, and
 * answers whoever asks. It dials nobody.
 */
export class ProviderService implements Service {
  readonly name = 'providers';
  readonly #init: ProviderServiceInit;
  readonly #offs: Unsubscribe[] = [];
  #catalog: Catalog | undefined;
  #holdings: Holdings = { models: [], shards: [], cids: [] };
  #announcer: Announcer | undefined;
  #records: RecordKeeper | undefined;

  constructor(init: ProviderServiceInit) {
    this.#init = init;
  }

  /** Throws CATALOG_*. */
  async start(): Promise<void> {
    const { home, mesh } = this.#init;
    const catalog = this.#catalog = new Catalog(catalogPath(home));
    const rate = new RateLimiter(PROVIDERS_QUESTION_RATE, systemClock);
    this.#offs.push(
      mesh.guard(PROVIDERS_TOPIC, createAnnouncementGuard(systemClock)),
      mesh.events.on('topic:message', (message) => this.#hear(message)),
      await mesh.handle(PROVIDERS_PROTOCOL, PROVIDERS_LIMITS, (stream) => void answerForProviders(stream, { rate, providers: (cids) => this.#providersOf(cids) })),
    );
    const sweeping = setInterval(() => this.#attempt(() => catalog.providers.sweep()), PROVIDERS_SWEEP_MS).unref();
    this.#offs.push(() => clearInterval(sweeping));
    if (this.#init.transferAddresses !== undefined) this.#tell(catalog, this.#init.transferAddresses);
  }

  async stop(): Promise<void> {
    await this.#records?.stop();
    if (this.#announcer !== undefined) {
      await this.#announcer.stop();
      await this.#farewell();
    }
    for (const off of this.#offs.splice(0)) off();
    this.#catalog?.close();
    this.#catalog = undefined;
  }

  /** The addresses have changed. */
  async tellAgain(): Promise<void> {
    await this.#announcer?.tellAgain();
  }

  #tell(catalog: Catalog, transferAddresses: () => readonly string[]): void {
    const { mesh, tell: { gossip = true, dht = true } = {}, times } = this.#init;
    const reader = new HoldingsReader(catalog);
    if (dht && mesh.records !== undefined) this.#records = new RecordKeeper(mesh.records, this.#trouble);
    this.#announcer = new Announcer({
      holdings: () => reader.read(), clock: systemClock, onTrouble: this.#trouble,
      addresses: () => ({ addresses: few(transferAddresses()), nodeAddresses: few(mesh.addresses()) }),
      publish: async (data) => (gossip ? (await mesh.publish(PROVIDERS_TOPIC, data)).recipients : 0),
      onHoldings: (holdings) => {
        this.#holdings = holdings;
        this.#records?.hold(holdings.cids);
      },
      ...(times === undefined ? {} : { times }),
    });
    this.#offs.push(mesh.events.on('peer:identify', () => this.#announcer?.newcomer()));
    this.#announcer.start();
  }

  /** What was sent on a connection before an answered ping has arrived. */
  async #farewell(): Promise<void> {
    const { mesh } = this.#init;
    const signal = AbortSignal.timeout(FAREWELL_MS);
    await Promise.allSettled(mesh.subscribers(PROVIDERS_TOPIC).map((peer) => mesh.ping(peer, { signal })));
  }

  #hear({ topic, from, data }: TopicMessage): void {
    if (topic !== PROVIDERS_TOPIC || from === this.#init.mesh.peerId) return;
    this.#attempt(() => {
      const { models, shards, ...said } = decodeAnnouncement(data, from);
      const entries = [...models.map(({ manifest, pieces }) => ({ cid: manifest, pieces })), ...shards.map((cid) => ({ cid }))];
      this.#catalog?.providers.announced(from, { ...said, entries });
    });
  }

  #providersOf(cids: readonly string[]): readonly ToldProvider[] {
    const byPeer = new Map<string, { peer: ToldProvider['peer']; addresses: readonly string[]; cids: string[]; ttlMs: number }>();
    for (const cid of cids) {
      for (const { peer, addresses, expiresAt } of this.#catalog?.providers.of(cid) ?? []) {
        const told = byPeer.get(peer) ?? { peer, addresses, cids: [], ttlMs: expiresAt - systemClock.now() };
        told.cids.push(cid);
        if (addresses.length > 0) byPeer.set(peer, told);
      }
    }
    return [...this.#ourselves(cids), ...byPeer.values()];
  }

  #ourselves(cids: readonly string[]): readonly ToldProvider[] {
    const { mesh, transferAddresses } = this.#init;
    const held = new Set(this.#holdings.cids);
    const ours = cids.filter((cid) => held.has(cid));
    return ours.length === 0 || transferAddresses === undefined ? [] : [{ peer: mesh.peerId, addresses: transferAddresses(), cids: ours, ttlMs: ANNOUNCE_TTL_MS }];
  }

  /** Not knowing who has what must not end a node. */
  #attempt(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.#trouble(error);
    }
  }

  readonly #trouble = (error: unknown): void => {
    const { code, message } = toCoded(error);
    this.#init.logger.warn({ code, message }, 'who has which shards');
  };
}

const few = (addresses: readonly string[]): readonly string[] => addresses.slice(0, 8);
