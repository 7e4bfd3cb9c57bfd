import type { onRequestAsyncHookHandler } from 'fastify';
import type { KeyRing, Scope } from '../keys/index.ts';

/** Lets a request through with a key of that scope; before a byte of its body is read. */
export const needs = (keys: KeyRing, scope: Scope): onRequestAsyncHookHandler => async ({ headers }, reply) => {
  reply.header('cache-control', 'no-store');
  await keys.check(headers, scope);
};
