import { toCoded } from '../../base/index.ts';
import { hostErrors } from '../errors.ts';
import type { ServedFile } from './types.ts';
import type { AnswersUnderWay } from './under-way.ts';

export interface ModelSwitchInit {
  readonly answers: AnswersUnderWay;
  /** The model that answers. */
  readonly served: () => ServedFile;
  readonly load: (served: ServedFile) => Promise<void>;
  /** Neither the other model nor the former can be loaded. */
  readonly onLost: (error: unknown) => void;
  /** Aborted when there is to be no model any more. */
  readonly stopped: AbortSignal;
}

/** From one model to another, under way. */
interface Switch {
  readonly to: ServedFile;
  readonly done: Promise<void>;
}

/** Lets another model answer, one switch at a time; where that fails, the former answers again. */
export class ModelSwitch {
  readonly #init: ModelSwitchInit;
  #switch: Switch | undefined;

  constructor(init: ModelSwitchInit) {
    this.#init = init;
  }

  /** Of the switch under way; undefined where there is none. */
  get done(): Promise<void> | undefined {
    return this.#switch?.done;
  }

  /** Throws HOST_SWITCHING while another switch is under way, HOST_NOT_SWITCHED. */
  use(to: ServedFile, running: 'finish' | 'cancel'): Promise<void> {
    if (this.#switch !== undefined && this.#switch.to.model !== to.model) return Promise.reject(hostErrors.switching({ model: this.#switch.to.id }));
    this.#switch ??= { to, done: this.#swap(to).finally(() => { this.#switch = undefined; }) };
    if (running === 'cancel') this.#init.answers.endAll();
    return this.#switch.done;
  }

  async #swap(to: ServedFile): Promise<void> {
    const { answers, served, load, onLost, stopped } = this.#init;
    const former = served();
    // One that has its session by now counts before anybody looks whether answers are under way.
    await new Promise((resolve) => { setImmediate(resolve); });
    await answers.ended();
    answers.letBegin();
    stopped.throwIfAborted();
    try {
      await load(to);
    } catch (error) {
      if (stopped.aborted) throw error;
      const { code, message, next } = toCoded(error);
      const isBack = await load(former).then(() => true, (second: unknown) => {
        onLost(second);
        return false;
      });
      throw hostErrors.notSwitched({ model: to.id, former: former.id, isBack, code, reason: message, next: next ?? 'Choose another model.' }, error);
    }
  }
}
