import type { FastifyReply, FastifyRequest } from 'fastify';
import { isApiPath } from './api.ts';

const MAX_AGE_SECONDS = '600';

/** Pages of other origins that the owner lets use the API. Without any, the headers of CORS are never sent. */
export class Cors {
  readonly #origins: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  /** True for a request to the API from such a page, which may then read the reply. A key is needed all the same. */
  allow({ url, headers }: FastifyRequest, reply: FastifyReply): boolean {
    const { origin } = headers;
    if (origin === undefined || !this.#origins.has(origin) || !isApiPath(url, 'any')) return false;
    reply.headers({ 'access-control-allow-origin': origin, vary: 'origin', 'access-control-expose-headers': 'retry-after', 'cross-origin-resource-policy': 'cross-origin' });
    return true;
  }
}

/** A browser asks before it sends a key or JSON. */
export function answerPreflight({ headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const asked = headers['access-control-request-headers'] ?? '';
  const isSound = /^[\w,\s-]{1,1000}$/.test(asked);
  return reply.code(204).headers({
    'access-control-allow-methods': 'GET, POST, PUT, DELETE', 'access-control-max-age': MAX_AGE_SECONDS,
    // Only for origins that the owner named, so that their programs' own headers need no list here.
    'access-control-allow-headers': isSound ? asked : 'authorization, content-type',
    ...(headers['access-control-request-private-network'] === 'true' ? { 'access-control-allow-private-network': 'true' } : {}),
  }).send();
}
