import type { AttachmentCost } from '../../src-preload/bridge/index.ts';
import { roomTokens } from './compose.ts';
import type { ModelReader } from './ports.ts';

const MAX_KNOWN = 1_000;

/** How many tokens texts take, as far as that was counted: per model, because each has its own. */
export class AttachmentCosts {
  readonly reader: ModelReader;
  readonly #text: (id: string) => string;
  readonly #known = new Map<string, number>();

  constructor(reader: ModelReader, text: (id: string) => string) {
    this.reader = reader;
    this.#text = text;
  }

  async cost(id: string): Promise<AttachmentCost> {
    const { modelId, contextTokens, rank } = this.reader;
    const text = this.#text(id);
    const tokens = modelId === undefined ? undefined : this.#known.get(keyOf(modelId, id)) ?? await this.reader.count(text);
    if (modelId !== undefined && tokens !== undefined) this.#keep(keyOf(modelId, id), tokens);
    return { ...(tokens === undefined ? {} : { tokens }), roomTokens: roomTokens(contextTokens), choosesPassages: rank !== undefined };
  }

  /** Of those that were counted. */
  known(ids: readonly string[]): number {
    const { modelId } = this.reader;
    return modelId === undefined ? 0 : ids.reduce((sum, id) => sum + (this.#known.get(keyOf(modelId, id)) ?? 0), 0);
  }

  #keep(key: string, tokens: number): void {
    this.#known.delete(key);
    this.#known.set(key, tokens);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break;
      this.#known.delete(oldest);
    }
  }
}

const keyOf = (modelId: string, id: string): string => `${modelId}\0${id}`;
