import { backoffMs, isCoded, toCoded, type Clock, type CodedError } from '../../base/index.ts';
import { chainErrors } from '../errors.ts';
import { callRpc, RpcError, type RpcCall, type RpcLimits } from './json-rpc.ts';

const BACKOFF = { firstMs: 1_000, maxMs: 60_000 };

interface Endpoint {
  readonly url: string;
  isChecked: boolean;
  failures: number;
  /** Not asked before, but when no other answers. */
  restUntilMs: number;
  error?: CodedError;
}

export interface EndpointsInit {
  readonly urls: readonly string[];
  readonly clock: Clock;
  /** Whether an address leads to the right chain: asked once, and again after it failed. Throws CHAIN_WRONG_NETWORK. */
  readonly check: (call: (call: RpcCall) => Promise<unknown>) => Promise<void>;
  readonly limits?: RpcLimits;
}

/** JSON-RPC addresses of one chain, of which the first that answers is used until it fails. What one of them refuses is an answer: no other is asked. */
export class Endpoints {
  readonly #endpoints: Endpoint[];
  readonly #init: EndpointsInit;

  constructor(init: EndpointsInit) {
    this.#init = init;
    this.#endpoints = init.urls.map((url) => ({ url, isChecked: false, failures: 0, restUntilMs: 0 }));
  }

  /** Throws RpcError, CHAIN_DOWN, CHAIN_WRONG_NETWORK where no address leads to the right chain. */
  async request(call: RpcCall): Promise<unknown> {
    for (const endpoint of this.#ranked()) {
      try {
        return await this.#ask(endpoint, call);
      } catch (error) {
        if (error instanceof RpcError) throw error;
        this.#failed(endpoint, toCoded(error));
      }
    }
    throw this.#verdict();
  }

  async #ask(endpoint: Endpoint, call: RpcCall): Promise<unknown> {
    const ask = (inner: RpcCall): Promise<unknown> => callRpc(endpoint.url, inner, this.#init.limits);
    if (!endpoint.isChecked) await this.#init.check(ask);
    endpoint.isChecked = true;
    const result = await ask(call);
    endpoint.failures = 0;
    endpoint.restUntilMs = 0;
    delete endpoint.error;
    return result;
  }

  #failed(endpoint: Endpoint, error: CodedError): void {
    endpoint.isChecked = false;
    endpoint.error = error;
    endpoint.restUntilMs = this.#init.clock.monotonicMs() + backoffMs(endpoint.failures++, BACKOFF);
  }

  /** The configured order; those that failed lately last, whoever rests the shortest first. */
  #ranked(): Endpoint[] {
    const nowMs = this.#init.clock.monotonicMs();
    const restMs = ({ restUntilMs }: Endpoint): number => Math.max(0, restUntilMs - nowMs);
    return this.#endpoints.toSorted((a, b) => restMs(a) - restMs(b));
  }

  #verdict(): CodedError {
    const errors = this.#endpoints.flatMap(({ error }) => (error === undefined ? [] : [error]));
    const wrong = errors.find((error) => isCoded(error, 'CHAIN_WRONG_NETWORK'));
    if (wrong !== undefined && errors.every((error) => isCoded(error, 'CHAIN_WRONG_NETWORK'))) return wrong;
    return chainErrors.down({ reason: [...new Set(errors.map(reasonOf))].join('; '), urls: this.#endpoints.map(({ url }) => new URL(url).host) });
  }
}

/** What is said of all of them says already that none answers. */
const reasonOf = (error: CodedError): string => (error.code === 'CHAIN_DOWN' ? String(error.meta['reason']) : error.message);
