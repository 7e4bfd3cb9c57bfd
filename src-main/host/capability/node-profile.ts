import { setTimeout } from 'node:timers/promises';
import { toCoded, type LayerRange, type Logger, type PeerId } from '../../base/index.ts';
import { probeEngine, type Device, type WorkerOptions } from '../../inference/index.ts';
import { MAX_LINKS, type Mesh, type ModelOffer, type Profile } from '../../mesh/index.ts';
import type { HostConfig } from '../config.ts';
import type { ServingRules } from '../contribute/gate.ts';
import type { Calibration } from './calibration-file.ts';
import { label } from './label.ts';
import { offersOf, type LayersHere } from './layer-sets.ts';
import { readMachine } from './read-machine.ts';

/** Processes are started for it, which a node has no time for while it starts. */
const LOOK_FOR_GPUS_MS = 3_000;

export interface NodeProfileInit {
  readonly config: HostConfig;
  readonly serving?: ServingRules | undefined;
  readonly version: string;
  readonly mesh: Pick<Mesh, 'peers' | 'reachability'>;
  readonly worker: WorkerOptions;
  readonly logger: Logger;
  readonly held: () => readonly LayersHere[];
  /** Bytes/s to a peer, where that was measured of late. */
  readonly bandwidthTo: (peer: PeerId) => number | undefined;
  /** Models that run in other processes of this node. */
  readonly others: () => readonly ModelOffer[];
  readonly onChange: () => void;
}

type Loaded = { readonly modelHash: string; readonly layers: LayerRange };

/** What this node tells of itself, gathered from where each figure is known. */
export class NodeProfile {
  readonly #init: NodeProfileInit;
  readonly #over = new AbortController();
  #loaded: readonly Loaded[] = [];
  #calibration: Calibration | undefined;
  #devices: readonly Device[] | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(init: NodeProfileInit) {
    this.#init = init;
  }

  /** Looks for GPUs, some time later. */
  start(): void {
    this.#looking = this.#lookForGpus();
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#looking;
  }

  loaded({ modelHash, layers }: Loaded): void {
    this.#loaded = [...this.#loaded, { modelHash, layers }];
    this.#init.onChange();
  }

  unloaded({ modelHash, layers }: Loaded): void {
    const at = this.#loaded.findIndex((one) => one.modelHash === modelHash && one.layers.first === layers.first && one.layers.last === layers.last);
    this.#loaded = this.#loaded.filter((_, index) => index !== at);
    this.#init.onChange();
  }

  calibrated(calibration: Calibration): void {
    this.#calibration = calibration;
    this.#init.onChange();
  }

  async read(): Promise<Profile> {
    const { config, serving, version, held, others, mesh } = this.#init;
    const name = label((serving === undefined ? config.name : serving.name()) ?? '');
    return {
      ...(name === undefined ? {} : { name }), app: `omninode/${version}`, machine: await readMachine(), ...this.#computesOn(),
      ...(this.#calibration === undefined ? {} : { speed: this.#calibration }),
      models: offersOf({ held: held(), loaded: this.#loaded }, others()), limits: limitsOf(config, serving),
      zone: config.zone, reachability: mesh.reachability.kind, links: this.#links(),
    };
  }

  #computesOn(): Pick<Profile, 'gpus' | 'backend'> {
    if (this.#devices === undefined) return {};
    const gpus = this.#devices.filter(({ isGpu }) => isGpu);
    const backend = this.#init.config.gpuLayers === 0 ? 'cpu' : backendOf(gpus[0]?.name);
    return {
      gpus: gpus.slice(0, 16).map(({ name, description, memoryTotalBytes }) => ({ name: label(description) ?? label(name) ?? 'GPU', ...(memoryTotalBytes > 0 ? { memoryTotalBytes } : {}) })),
      ...(backend === undefined ? {} : { backend }),
    };
  }

  #links(): Profile['links'] {
    return this.#init.mesh.peers().flatMap(({ peer, rttMs }) => {
      if (rttMs === undefined) return [];
      const bytesPerSecond = this.#init.bandwidthTo(peer);
      return [{ peer, rttMs: Number(rttMs.toPrecision(3)), ...(bytesPerSecond === undefined ? {} : { bytesPerSecond: Math.round(bytesPerSecond) }) }];
    }).slice(0, MAX_LINKS);
  }

  async #lookForGpus(): Promise<void> {
    const { worker, logger, onChange } = this.#init;
    try {
      await setTimeout(LOOK_FOR_GPUS_MS, undefined, { signal: this.#over.signal, ref: false });
      this.#devices = await probeEngine(worker);
      if (!this.#over.signal.aborted) onChange();
    } catch (error) {
      if (!this.#over.signal.aborted) logger.info({ code: toCoded(error).code }, 'what this machine can compute on is not known');
    }
  }
}

/** As llama.cpp names devices: `CUDA0`, `Metal`, `Vulkan0`. Undefined for others; without a GPU it is the CPU. */
export function backendOf(gpu: string | undefined): string | undefined {
  if (gpu === undefined) return 'cpu';
  return (['cuda', 'metal', 'vulkan'] as const).find((backend) => gpu.toLowerCase().startsWith(backend)) ?? (/^mtl/i.test(gpu) ? 'metal' : undefined);
}

function limitsOf(config: HostConfig, serving: ServingRules | undefined): NonNullable<Profile['limits']> {
  const { storeQuotaBytes, uploadBytesPerSecond, fetchLayersFor, shareStore } = config;
  const { threads, gpuLayers, memoryBytes } = serving?.limits() ?? { ...config, memoryBytes: undefined };
  return {
    fetchesLayersFor: fetchLayersFor, givesShards: shareStore, ...(serving === undefined ? {} : { serves: serving.refusal() === undefined }),
    ...(threads === undefined ? {} : { threads }), ...(gpuLayers < 0 ? {} : { gpuLayers }), ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(storeQuotaBytes === undefined ? {} : { storeQuotaBytes }), ...(uploadBytesPerSecond === undefined ? {} : { uploadBytesPerSecond }),
  };
}
