import type { FastifyInstance } from 'fastify';
import { peersNow } from '../control/peers.ts';
import { needs } from '../http/needs.ts';
import type { KeyRing } from '../keys/index.ts';
import { parseInput } from '../parse-input.ts';
import type { HostService } from '../ports.ts';
import { openApiDocument } from './openapi.ts';
import { addSchema, MANAGE_LIMITS } from './schema.ts';

interface ManageInit {
  readonly host: HostService;
  readonly keys: KeyRing;
}

interface Named {
  Params: { readonly model: string };
}

interface OfDownload {
  Params: { readonly id: string };
}

/** `/api/v1/...`: the node itself, for who has a key with the scope admin; and what the whole API is like, for anybody. */
export function addManage(app: FastifyInstance, { host, keys }: ManageInit): void {
  const document = openApiDocument(host.info().version);
  app.get('/openapi.json', () => document);
  const admin = { bodyLimit: MANAGE_LIMITS.bodyBytes, onRequest: needs(keys, 'admin') };
  app.get('/api/v1/node', admin, () => nodeNow(host));
  app.get('/api/v1/peers', admin, () => peersNow(host));
  const { manage, downloads } = host;
  if (manage === undefined || downloads === undefined) return;
  app.get('/api/v1/store', admin, () => manage.store());
  app.get('/api/v1/models', admin, () => manage.models());
  app.post('/api/v1/models', admin, ({ body }, reply) => reply.code(202).send(downloads.start(parseInput(addSchema, body, { what: 'request', whole: 'body' }))));
  app.delete<Named>('/api/v1/models/:model', admin, ({ params }) => manage.remove(params.model));
  app.put<Named>('/api/v1/models/:model/pin', admin, ({ params }) => manage.pin(params.model, true));
  app.delete<Named>('/api/v1/models/:model/pin', admin, ({ params }) => manage.pin(params.model, false));
  app.get('/api/v1/downloads', admin, () => ({ downloads: downloads.list() }));
  app.get<OfDownload>('/api/v1/downloads/:id', admin, ({ params }) => downloads.get(params.id));
  app.delete<OfDownload>('/api/v1/downloads/:id', admin, ({ params }) => downloads.cancel(params.id));
}

function nodeNow(host: HostService): object {
  const [load, standing] = [host.load?.(), host.standing?.()];
  return { info: host.info(), status: host.status(), stages: host.stages(), ...(standing === undefined ? {} : { standing }), ...(load === undefined ? {} : { load }) };
}
