import { join } from 'node:path';
import { choicesOf, listHubFiles, readCurated, searchHub, type HubChoice } from '../../store/index.ts';
import { MODEL_LIMITS, type CommandOutput, type CommandParsed } from '../../../src-preload/bridge/index.ts';
import type { Settings } from '../config.ts';
import { hostErrors } from '../errors.ts';
import { webOptions } from '../model-hub.ts';
import type { AppPaths } from '../paths.ts';
import { fitBySize, type Memory } from './mesh-fit.ts';

/** At a time; the oldest is given up for another. */
const MAX_LOOKUPS = 8;

export interface LookupsInit {
  readonly settings: Settings;
  readonly paths: AppPaths;
  readonly memory: (signal: AbortSignal) => Promise<Memory>;
  /** Sources of what is here, without commits. */
  readonly held: () => Promise<ReadonlySet<string>>;
}

/** Questions to the hub, each with a name by which it is stopped. */
export class Lookups {
  readonly #init: LookupsInit;
  readonly #running = new Map<string, AbortController>();

  constructor(init: LookupsInit) {
    this.#init = init;
  }

  stop(name: string): void {
    this.#running.get(name)?.abort();
    this.#running.delete(name);
  }

  stopAll(): void {
    for (const controller of this.#running.values()) controller.abort();
  }

  /** Throws HUB_*. */
  search({ lookup, text }: CommandParsed<'models.search'>): Promise<CommandOutput<'models.search'>> {
    return this.#run(lookup, async (signal) => ({ hits: await searchHub(text, { ...webOptions(this.#init.settings, signal), limit: MODEL_LIMITS.hits }) }));
  }

  /** Throws HUB_*. */
  files({ lookup, repo }: CommandParsed<'models.files'>): Promise<CommandOutput<'models.files'>> {
    return this.#run(lookup, async (signal) => {
      const [files, memory, held] = await Promise.all([listHubFiles(repo, 'main', webOptions(this.#init.settings, signal)), this.#init.memory(signal), this.#init.held()]);
      const choices = choicesOf(files).toSorted((a, b) => a.sizeBytes - b.sizeBytes);
      const rows = choices.slice(0, MODEL_LIMITS.files).map(({ name, files: parts, sizeBytes }) => {
        const source = `hf:${repo}/${parts[0]?.path ?? ''}`;
        const quantization = quantizationIn(name);
        return { source, name, sizeBytes, parts: parts.length, ...(quantization === undefined ? {} : { quantization }), fit: fitBySize(sizeBytes, memory), isHeld: held.has(source) };
      });
      return { files: rows, isCut: choices.length > rows.length };
    });
  }

  async suggested(signal: AbortSignal): Promise<CommandOutput<'models.suggested'>> {
    const { paths, memory, held } = this.#init;
    const [{ asOf, models }, free, here] = await Promise.all([readCurated(join(paths.models, 'curated.json')), memory(signal), held()]);
    return { asOf, models: models.slice(0, MODEL_LIMITS.suggested).map(({ name, repo, file, sizeBytes, architecture, license, contextTokens }) => {
      const source = `hf:${repo}/${file}`;
      return { name, repo, source, sizeBytes, architecture, ...(license === undefined ? {} : { license }), ...(contextTokens === undefined ? {} : { contextTokens }), fit: fitBySize(sizeBytes, free), isHeld: here.has(source) };
    }) };
  }

  async #run<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.stop(name);
    const [oldest] = this.#running.keys();
    if (oldest !== undefined && this.#running.size >= MAX_LOOKUPS) this.stop(oldest);
    const controller = new AbortController();
    this.#running.set(name, controller);
    try {
      return await work(controller.signal);
    } catch (error) {
      throw controller.signal.aborted ? hostErrors.lookupStopped({}, error) : error;
    } finally {
      if (this.#running.get(name) === controller) this.#running.delete(name);
    }
  }
}

/** As names of files have it: `Q4_K_M`, `IQ3_XXS`, `BF16`, `MXFP4`. */
const quantizationIn = (name: HubChoice['name']): string | undefined => /(?:^|[-._/])((?:I?Q\d(?:_\w+?)?|BF16|F16|F32|MXFP4|TQ\d_\d)(?=$|[-.]))/i.exec(name)?.[1]?.toUpperCase();
