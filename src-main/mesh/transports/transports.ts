import { start, stop, type Startable, type Transport } from '@libp2p/interface';
import { kindsFor, type TransportKind } from './kinds.ts';
import { loadTransport, type Components, type LoadedKind, type TransportFactory, type TransportSettings } from './load-transport.ts';
import { leaveWebRtc, useWebRtc } from './webrtc-threads.ts';

const WEBRTC: ReadonlySet<TransportKind> = new Set(['webrtc', 'webrtc-direct']);

export interface TransportsInit extends TransportSettings {
  /** Put around each of them, those that come later too. */
  readonly watch?: (transport: TransportFactory) => TransportFactory;
}

/** The transports of a libp2p node: those that it begins with, and others that are loaded when an address asks for them. */
export class Transports {
  readonly #settings: TransportsInit;
  readonly #kinds = new Map<TransportKind, Promise<void>>([['tcp', Promise.resolve()]]);
  readonly #late: Transport[] = [];
  #components: Components | undefined;

  constructor(settings: TransportsInit) {
    this.#settings = settings;
  }

  /** Factories for libp2p's composition. Throws MESH_TRANSPORT_UNAVAILABLE. */
  async first(kinds: Iterable<TransportKind>): Promise<readonly TransportFactory[]> {
    const loaded = [...new Set(kinds)].filter((kind) => kind !== 'tcp');
    for (const kind of loaded) this.#kinds.set(kind, Promise.resolve());
    return Promise.all(loaded.map((kind) => this.#load(kind)));
  }

  /** Makes ready whatever dialling the address takes. Throws MESH_TRANSPORT_UNAVAILABLE. */
  async ready(address: string): Promise<void> {
    await Promise.all(kindsFor(address).map((kind) => this.#once(kind)));
  }

  /** A service of libp2p's composition: how this gets at the node's components, and is stopped with it. */
  readonly service = (components: Components): Startable => {
    this.#components = components;
    return {
      start: () => { if ([...this.#kinds.keys()].some((kind) => WEBRTC.has(kind))) useWebRtc(this); },
      stop: () => stop(...this.#late.splice(0)),
    };
  };

  /** To be called when libp2p has stopped: nothing of it keeps the process alive then. */
  release(): Promise<void> {
    return leaveWebRtc(this);
  }

  async #once(kind: TransportKind): Promise<void> {
    const known = this.#kinds.get(kind);
    if (known !== undefined || kind === 'tcp') return known;
    const adding = this.#add(kind);
    this.#kinds.set(kind, adding);
    // What could not be loaded may be tried again.
    adding.catch(() => this.#kinds.delete(kind));
    return adding;
  }

  async #load(kind: LoadedKind): Promise<TransportFactory> {
    const { watch = (transport: TransportFactory): TransportFactory => transport } = this.#settings;
    return watch(await loadTransport(kind, this.#settings));
  }

  async #add(kind: LoadedKind): Promise<void> {
    const factory = await this.#load(kind);
    if (this.#components === undefined) return;
    if (WEBRTC.has(kind)) useWebRtc(this);
    const transport = factory(this.#components);
    await start(transport);
    this.#late.push(transport);
    this.#components.transportManager.add(transport);
  }
}
