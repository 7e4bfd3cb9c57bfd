import type { ChatRoute } from '../chat-route/chat-route.ts';
import type { ModelSession } from '../session.ts';
import type { Prompt } from '../types.ts';

/** A model that can answer here. */
export interface ServedFile {
  /** As the configuration names it. */
  readonly model: string;
  /** What programs call it. */
  readonly id: string;
  /** Node processes that share it. */
  readonly nodes: number;
}

/** What is to be answered, and how long that may be. */
export interface Asked {
  readonly prompt: Prompt;
  readonly maxTokens: number;
  /** Nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** A loaded model, and where it is computed. */
export interface Running {
  readonly route: ChatRoute;
  readonly session: ModelSession;
}

/** A session that somebody answers with. */
export interface Entered {
  readonly session: ModelSession;
  /** When the answer has come on: others see how many are under way. */
  readonly moved: () => void;
  /** When it has ended, however. */
  readonly leave: () => void;
  /** Aborted when the answer has to end, because another model is to be loaded. */
  readonly signal: AbortSignal;
}
