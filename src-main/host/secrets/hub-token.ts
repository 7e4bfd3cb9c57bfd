import { join } from 'node:path';
import { z } from 'zod';
import type { HubTokenService } from '../../api/index.ts';
import type { SecretKeeping } from '../../base/index.ts';
import { hubTokenSchema, type HubTokenState } from '../../../src-preload/bridge/index.ts';
import { secretErrors } from './errors.ts';
import { KeptSecret } from './kept-secret.ts';

export interface HubTokenInit {
  readonly home: string;
  /** Origin of the hub that is asked: a token goes to the hub that it was kept for, and to no other. */
  readonly hubUrl: string;
  /** Out of the environment, which wins. */
  readonly given: string | undefined;
  readonly keeping: SecretKeeping;
}

const keptSchema = z.strictObject({ hubUrl: z.string().max(500), token: hubTokenSchema });

/** The token for gated and private models: out of the environment, or as the user gave it to keep. */
export class HubToken implements HubTokenService {
  readonly #init: HubTokenInit;
  readonly #secret: KeptSecret;
  #kept: string | undefined;

  constructor(init: HubTokenInit) {
    this.#init = init;
    this.#secret = new KeptSecret(join(init.home, 'hub-token.json'), init.keeping.box);
  }

  /** What is sent to the hub now. */
  get value(): string | undefined {
    return this.#init.given ?? this.#kept;
  }

  /** Reads what is kept. Throws SECRET_*. */
  async load(): Promise<void> {
    const text = await this.#secret.read();
    this.#kept = text === undefined ? undefined : this.#tokenIn(text);
  }

  /** Throws SECRET_*: what is kept is looked at again. */
  async state(): Promise<HubTokenState> {
    await this.load();
    return this.#state();
  }

  /** Null forgets it. */
  async set(token: string | null): Promise<HubTokenState> {
    await this.#secret.write(token === null ? undefined : JSON.stringify({ hubUrl: this.#init.hubUrl, token }));
    this.#kept = token ?? undefined;
    return this.#state();
  }

  #state(): HubTokenState {
    const { given, keeping } = this.#init;
    const from = given !== undefined ? 'environment' : this.#kept !== undefined ? 'kept' : 'none';
    return { from, keeping: keeping.box === undefined ? 'file' : 'sealed', ...(keeping.box !== undefined || keeping.why === undefined ? {} : { why: keeping.why }) };
  }

  #tokenIn(text: string): string | undefined {
    try {
      const { hubUrl, token } = keptSchema.parse(JSON.parse(text));
      return hubUrl === this.#init.hubUrl ? token : undefined;
    } catch {
      throw secretErrors.unreadable({ path: this.#secret.path });
    }
  }
}
