import { z } from 'zod';
import type { NativeAddon, VocabHandle } from '../../../native/index.d.ts';
import type { StageEngine } from '../engine/types.ts';
import { toCoded } from '../../base/index.ts';
import { engineErrors, fromNative } from '../errors.ts';
import type { DecodeLane, LaneEvent, LaneListener } from '../engine/lane.ts';
import { forwardSchema, initSchema, laneCallSchema, loadSchema, openSchema, takeSchema, type LaneAnswer, type LaneCall, type Operation, type Operations } from '../protocol/messages.ts';
import { callLane } from './call-lane.ts';
import { createNativeEngine } from './native-engine.ts';

type Handlers = { readonly [K in Operation]: (input: unknown) => Promise<Operations[K]['out']> | Operations[K]['out'] };

const integer = z.number().int();
const rollbackSchema = z.strictObject({ session: integer, position: integer });
const tokenizeSchema = z.strictObject({ text: z.string(), addSpecial: z.boolean(), parseSpecial: z.boolean() });
const tokenBytesSchema = z.strictObject({ token: integer, special: z.boolean() });
const templateSchema = z.strictObject({ messages: z.array(z.strictObject({ role: z.string(), content: z.string() })), addAssistant: z.boolean() });

/** Carries out a parent's requests on the addon. */
export class WorkerHost {
  readonly #loadAddon: (path: string) => NativeAddon;
  #addon: NativeAddon | undefined;
  #engine: StageEngine | undefined;
  #openedLane: DecodeLane | undefined;
  #vocab: VocabHandle | undefined;
  readonly #tell: (event: LaneEvent) => void;

  constructor(loadAddon: (path: string) => NativeAddon, tell: (event: LaneEvent) => void) {
    this.#loadAddon = loadAddon;
    this.#tell = tell;
  }

  /** A thread of its own may be amid a pass. */
  get hasLane(): boolean {
    return this.#openedLane !== undefined;
  }

  run(op: string, input: unknown): Promise<unknown> {
    if (!Object.hasOwn(this.#handlers, op)) return Promise.reject(engineErrors.badArgument({ detail: `no operation "${op}"` }));
    return this.#run(op as Operation, input);
  }

  async #run(op: Operation, input: unknown): Promise<unknown> {
    try {
      return await this.#handlers[op](input);
    } catch (error) {
      if (error instanceof z.ZodError) throw engineErrors.badArgument({ detail: `${op}: ${z.prettifyError(error)}` }, error);
      throw error instanceof Error && 'nativeCode' in error ? fromNative(error) : toCoded(error);
    }
  }

  readonly #handlers: Handlers = {
    init: (input) => {
      const { addonPath, librariesFolder } = initSchema.parse(input);
      this.#addon = this.#loadAddon(addonPath);
      return this.#addon.init(librariesFolder);
    },
    load: async (input) => {
      this.#engine = await createNativeEngine(this.#needAddon(), loadSchema.parse(input));
      return this.#engine.info;
    },
    open: (input) => {
      const { sampling, ...options } = openSchema.parse(input);
      return this.#needEngine().open(sampling, options);
    },
    forward: (input) => this.#needEngine().forward(forwardSchema.parse(input)),
    rollback: async (input) => {
      const { session, position } = rollbackSchema.parse(input);
      await this.#needEngine().rollback(session, position);
      return null;
    },
    takeWindows: (input) => {
      const { session, ...options } = takeSchema.parse(input);
      return this.#needEngine().takeWindows(session, options);
    },
    close: async (input) => {
      await this.#needEngine().close(integer.parse(input));
      return null;
    },
    lane: (input) => this.#lane(laneCallSchema.parse(input)),
    loadVocabulary: async (input) => {
      this.#vocab = await this.#needAddon().loadVocab(z.string().parse(input));
      const { vocabSize, endTokens } = this.#needAddon().vocabInfo(this.#vocab);
      return { vocabSize, endTokens: [...endTokens] };
    },
    tokenize: (input) => {
      const { text, addSpecial, parseSpecial } = tokenizeSchema.parse(input);
      return this.#needAddon().tokenize(this.#needVocab(), text, addSpecial, parseSpecial);
    },
    tokenBytes: (input) => {
      const { token, special } = tokenBytesSchema.parse(input);
      return this.#needAddon().tokenBytes(this.#needVocab(), token, special);
    },
    spelling: () => this.#needAddon().vocabSpelling(this.#needVocab()),
    applyChatTemplate: (input) => {
      const { messages, addAssistant } = templateSchema.parse(input);
      return this.#needAddon().applyChatTemplate(this.#needVocab(), messages, addAssistant);
    },
  };

  async #lane(call: LaneCall): Promise<LaneAnswer> {
    if (call.call === 'open') {
      this.#openedLane = await this.#needEngine().openLane?.(call.host, this.#tellLane);
      return this.#needLane().port;
    }
    return callLane(this.#needLane(), call);
  }

  readonly #tellLane: LaneListener = {
    onUp: (session) => this.#tell({ kind: 'up', session }),
    onLost: (session, { side, wasUp, detail }) => this.#tell({ kind: 'lost', session, side, wasUp, detail }),
    onToken: (session, token) => this.#tell({ ...token, kind: 'token', session }),
    onHidden: (session, row) => this.#tell({ ...row, kind: 'hidden', session }),
  };

  #needLane(): DecodeLane {
    if (this.#openedLane === undefined) throw engineErrors.badArgument({ detail: 'no lane is open' });
    return this.#openedLane;
  }

  #needAddon(): NativeAddon {
    if (this.#addon === undefined) throw engineErrors.badArgument({ detail: 'init comes first' });
    return this.#addon;
  }

  #needEngine(): StageEngine {
    if (this.#engine === undefined) throw engineErrors.badArgument({ detail: 'no stage is loaded' });
    return this.#engine;
  }

  #needVocab(): VocabHandle {
    if (this.#vocab === undefined) throw engineErrors.badArgument({ detail: 'no vocabulary is loaded' });
    return this.#vocab;
  }
}
