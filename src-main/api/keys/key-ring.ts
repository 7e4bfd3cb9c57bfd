import type { IncomingHttpHeaders } from 'node:http';
import { RateLimiter, systemClock, type Clock } from '../../base/index.ts';
import { apiErrors } from '../errors.ts';
import { readKeys, stampOf } from './key-file.ts';
import { infoOf, type KeptKey, type KeyInfo, type Scope } from './schema.ts';
import { isSecretOf, keyIdOf } from './secret.ts';

interface Held {
  readonly key: KeptKey;
  readonly limiter: RateLimiter;
}

/** The keys of a home, as they are at each request: one that was removed opens nothing any more. */
export class KeyRing {
  readonly #home: string;
  readonly #clock: Clock;
  #held = new Map<string, Held>();
  #stamp: string | undefined;

  constructor(home: string, clock: Clock = systemClock) {
    this.#home = home;
    this.#clock = clock;
  }

  /** Whose request this is. @throws API_NO_KEY, API_WRONG_KEY, API_MISSING_SCOPE, API_KEY_RATE_LIMITED, API_KEY_LIST_BROKEN */
  async check({ authorization = '' }: IncomingHttpHeaders, scope: Scope): Promise<KeyInfo> {
    const [, text] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    if (text === undefined) throw apiErrors.noKey({});
    await this.#refresh();
    const held = this.#held.get(keyIdOf(text) ?? '');
    if (held === undefined || !isSecretOf(text, held.key)) throw apiErrors.wrongKey({});
    const { key, limiter } = held;
    if (!limiter.take(key.id)) throw apiErrors.keyRateLimited({ perMinute: key.perMinute, retryAfterSeconds: Math.max(1, Math.ceil(60 / key.perMinute)) });
    if (!key.scopes.includes(scope)) throw apiErrors.missingScope({ scope, scopes: key.scopes });
    return infoOf(key);
  }

  // What a key has used up stays used up when another one is made.
  async #refresh(): Promise<void> {
    const stamp = await stampOf(this.#home);
    if (stamp === this.#stamp && stamp !== undefined) return;
    // Where the file lies is nobody's business who has no key.
    const keys = stamp === undefined ? [] : await readKeys(this.#home).catch((error: unknown) => Promise.reject(apiErrors.keyListBroken({}, error)));
    this.#held = new Map(keys.map((key) => [key.id, { key, limiter: this.#held.get(key.id)?.limiter ?? this.#limiterOf(key) }]));
    this.#stamp = stamp;
  }

  #limiterOf({ perMinute }: KeptKey): RateLimiter {
    return new RateLimiter({ perSecond: perMinute / 60, burst: perMinute, maxKeys: 1 }, this.#clock);
  }
}
