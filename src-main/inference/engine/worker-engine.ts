import { tellListener, type DecodeLane, type LaneListener } from './lane.ts';
import type { ForwardItem, ForwardResult, OpenOptions, SamplingOptions, StageEngine, StageInfo, StageLoadOptions, TakeOptions, TappedWindow } from './types.ts';
import { checkMemory } from '../memory/check-memory.ts';
import { WorkerClient, type WorkerOptions } from './worker-client.ts';
import { WorkerLane } from './worker-lane.ts';

/**
 * Loads a stage in a process of its own. Throws ENGINE_NO_MEMORY before anything is started,
 * ENGINE_LOAD_FAILED, ENGINE_CONTEXT_FAILED, ENGINE_WORKER_LOST; a failed load leaves no process.
 */
export async function createWorkerEngine(options: StageLoadOptions, worker: WorkerOptions): Promise<StageEngine> {
  await checkMemory(options);
  const client = new WorkerClient(worker);
  try {
    await client.devices;
    return new WorkerEngine(client, await client.call('load', options));
  } catch (error) {
    await client.dispose();
    throw error;
  }
}

class WorkerEngine implements StageEngine {
  readonly info: StageInfo;
  readonly lost: Promise<Error>;
  readonly #client: WorkerClient;

  constructor(client: WorkerClient, info: StageInfo) {
    this.#client = client;
    this.info = info;
    this.lost = client.lost;
  }

  open(sampling: SamplingOptions, { record, shape }: OpenOptions = {}): Promise<number> {
    return this.#client.call('open', { sampling, ...(record === undefined ? {} : { record }), ...(shape === undefined ? {} : { shape }) });
  }

  takeWindows(session: number, options: TakeOptions): Promise<readonly TappedWindow[]> {
    return this.#client.call('takeWindows', { session, ...options });
  }

  forward(batch: readonly ForwardItem[]): Promise<ForwardResult> {
    return this.#client.call('forward', batch);
  }

  async rollback(session: number, position: number): Promise<void> {
    await this.#client.call('rollback', { session, position });
  }

  async close(session: number): Promise<void> {
    await this.#client.call('close', session);
  }

  async openLane(bindHost: string, listener: LaneListener): Promise<DecodeLane> {
    const port = await this.#client.call('lane', { call: 'open', host: bindHost });
    const lane = new WorkerLane(this.#client, Number(port), listener);
    this.#client.onLane = (event) => tellListener(listener, event);
    return lane;
  }

  dispose(): Promise<void> {
    return this.#client.dispose();
  }
}
