import type { StageEngine } from '../../inference/index.ts';
import { hostErrors } from '../errors.ts';

/** What stages take of the memory that their owner lets them have. Weights count before they are loaded, caches once an engine says how large they are. */
export class MemoryBudget {
  readonly #limitBytes: () => number | undefined;
  /** By range; several engines may have the same one. */
  readonly #used = new Map<string, number[]>();

  constructor(limitBytes: () => number | undefined) {
    this.#limitBytes = limitBytes;
  }

  /** Infinite where there is no limit. */
  get freeBytes(): number {
    const limit = this.#limitBytes();
    return limit === undefined ? Infinity : Math.max(0, limit - this.#usedBytes);
  }

  /** Loads what has `weightBytes`; it counts until `release`. Throws HOST_MEMORY_LIMIT, or what `open` throws. */
  async load(key: string, weightBytes: number, open: () => Promise<StageEngine>): Promise<StageEngine> {
    this.#check(weightBytes);
    this.#used.set(key, [...(this.#used.get(key) ?? []), weightBytes]);
    try {
      const engine = await open();
      this.#replace(key, weightBytes, bytesOf(engine));
      return engine;
    } catch (error) {
      this.#replace(key, weightBytes, undefined);
      throw error;
    }
  }

  /** The engine, or it is gone again and HOST_MEMORY_LIMIT is thrown: fewer sessions have smaller caches. Its weights count already. */
  async checked(engine: StageEngine): Promise<StageEngine> {
    const { kvBytes } = engine.info;
    if (kvBytes <= this.freeBytes) return engine;
    await engine.dispose();
    throw hostErrors.memoryLimit({ needBytes: kvBytes, limitBytes: this.#limitBytes() ?? 0, usedBytes: this.#usedBytes });
  }

  release(key: string): void {
    const rest = (this.#used.get(key) ?? []).slice(1);
    if (rest.length === 0) this.#used.delete(key);
    else this.#used.set(key, rest);
  }

  get #usedBytes(): number {
    return [...this.#used.values()].flat().reduce((sum, bytes) => sum + bytes, 0);
  }

  #check(needBytes: number): void {
    if (needBytes > this.freeBytes) throw hostErrors.memoryLimit({ needBytes, limitBytes: this.#limitBytes() ?? 0, usedBytes: this.#usedBytes });
  }

  #replace(key: string, before: number, after: number | undefined): void {
    const all = [...(this.#used.get(key) ?? [])];
    all.splice(all.indexOf(before), 1, ...(after === undefined ? [] : [after]));
    if (all.length === 0) this.#used.delete(key);
    else this.#used.set(key, all);
  }
}

const bytesOf = ({ info }: StageEngine): number => info.weightBytes + info.kvBytes;
