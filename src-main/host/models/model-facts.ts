import { stat } from 'node:fs/promises';
import { isCoded } from '../../base/index.ts';
import { planAdd, type ModelFacts } from '../../store/index.ts';
import type { HostConfig } from '../config.ts';

/** Headers that are kept; a list shows no more of them at a time. */
const MAX_KEPT = 512;

/** Of the header, and what all files of the model take. */
export interface FileFacts {
  readonly facts: ModelFacts;
  readonly sizeBytes: number;
}

interface Known {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly facts: FileFacts | undefined;
}

/** What the headers of model files tell, each read once as long as the file stays as it is. */
export class FactsReader {
  readonly #config: Pick<HostConfig, 'hubUrl' | 'home'>;
  readonly #known = new Map<string, Known>();

  constructor(config: Pick<HostConfig, 'hubUrl' | 'home'>) {
    this.#config = config;
  }

  /** Undefined where the file is gone, or is no model. */
  async of(path: string): Promise<FileFacts | undefined> {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return undefined;
    const known = this.#known.get(path);
    if (known !== undefined && known.sizeBytes === found.size && known.mtimeMs === found.mtimeMs) return known.facts;
    const facts = await this.#read(path);
    this.#known.delete(path);
    this.#known.set(path, { sizeBytes: found.size, mtimeMs: found.mtimeMs, facts });
    for (const oldest of this.#known.keys()) if (this.#known.size > MAX_KEPT) this.#known.delete(oldest);
    return facts;
  }

  async #read(path: string): Promise<FileFacts | undefined> {
    try {
      const { facts, sizeBytes } = await planAdd({ kind: 'file', path }, { hubUrl: this.#config.hubUrl, folder: this.#config.home });
      return { facts, sizeBytes };
    } catch (error) {
      if (isCoded(error)) return undefined;
      throw error;
    }
  }
}
