import { z } from 'zod';
import { chatReplySchema, completionReplySchema, embeddingReplySchema, modelListSchema, modelReplySchema, openaiErrorSchema } from '../openai/reply-schema.ts';
import { chatBodySchema, completionBodySchema, embeddingBodySchema } from '../openai/schema.ts';
import type { Scope } from '../keys/index.ts';
import { addSchema, downloadSchema, downloadsSchema, errorSchema, modelsSchema, nodeSchema, peersSchema, pinnedSchema, removedSchema, storeSchema } from './schema.ts';

interface Operation {
  readonly id: string;
  readonly summary: string;
  readonly scope?: Scope;
  readonly body?: z.ZodType;
  readonly reply: z.ZodType;
  readonly status?: 200 | 202;
  /** Also as server-sent events. */
  readonly isStream?: true;
}

type Method = 'get' | 'post' | 'put' | 'delete';

const MODEL = '{model}';
const OPENAI: Readonly<Record<string, Partial<Record<Method, Operation>>>> = {
  '/v1/chat/completions': { post: { id: 'createChatCompletion', summary: 'Answer a conversation', scope: 'chat', body: chatBodySchema, reply: chatReplySchema, isStream: true } },
  '/v1/completions': { post: { id: 'createCompletion', summary: 'Continue a text', scope: 'chat', body: completionBodySchema, reply: completionReplySchema, isStream: true } },
  '/v1/embeddings': { post: { id: 'createEmbedding', summary: 'Turn texts into vectors', scope: 'embeddings', body: embeddingBodySchema, reply: embeddingReplySchema } },
  '/v1/models': { get: { id: 'listModels', summary: 'The models that this node serves', scope: 'models', reply: modelListSchema } },
  [`/v1/models/${MODEL}`]: { get: { id: 'retrieveModel', summary: 'One of them', scope: 'models', reply: modelReplySchema } },
};

const NODE: typeof OPENAI = {
  '/api/v1/node': { get: { id: 'getNode', summary: 'This node', scope: 'admin', reply: nodeSchema } },
  '/api/v1/peers': { get: { id: 'listPeers', summary: 'Other nodes', scope: 'admin', reply: peersSchema } },
  '/api/v1/store': { get: { id: 'getStore', summary: 'What the store takes and has free', scope: 'admin', reply: storeSchema } },
  '/api/v1/models': {
    get: { id: 'listStoredModels', summary: 'Models in the store', scope: 'admin', reply: modelsSchema },
    post: { id: 'addModel', summary: 'Begin to download a model', scope: 'admin', body: addSchema, reply: downloadSchema, status: 202 },
  },
  [`/api/v1/models/${MODEL}`]: { delete: { id: 'removeModel', summary: 'Remove a model', scope: 'admin', reply: removedSchema } },
  [`/api/v1/models/${MODEL}/pin`]: {
    put: { id: 'pinModel', summary: 'Never evict a model', scope: 'admin', reply: pinnedSchema },
    delete: { id: 'unpinModel', summary: 'Let a model be evicted again', scope: 'admin', reply: pinnedSchema },
  },
  '/api/v1/downloads': { get: { id: 'listDownloads', summary: 'Downloads under way, and the last ones', scope: 'admin', reply: downloadsSchema } },
  '/api/v1/downloads/{id}': {
    get: { id: 'getDownload', summary: 'One of them', scope: 'admin', reply: downloadSchema },
    delete: { id: 'cancelDownload', summary: 'Stop it; what came stays for the next time', scope: 'admin', reply: downloadSchema },
  },
};

/** The whole API in OpenAPI 3.1, out of the schemas that check it. */
export function openApiDocument(version: string): object {
  return {
    openapi: '3.1.0', jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: { title: 'OmniNode', version, summary: 'OpenAI\'s API, and the node itself', license: { name: 'MIT OR Apache-2.0' } },
    servers: [{ url: '/' }], security: [{ key: [] }],
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer', description: '`omninode key new --scope ...` makes one.' } } },
    paths: { ...pathsOf(OPENAI, openaiErrorSchema), ...pathsOf(NODE, errorSchema) },
  };
}

const pathsOf = (paths: typeof OPENAI, error: z.ZodType): object => Object.fromEntries(Object.entries(paths).map(([path, methods]) => {
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string', maxLength: 200 } }));
  return [path, { ...(parameters.length === 0 ? {} : { parameters }), ...Object.fromEntries(Object.entries(methods).map(([method, operation]) => [method, described(operation, error)])) }];
}));

function described({ id, summary, scope, body, reply, status = 200, isStream }: Operation, error: z.ZodType): object {
  const stream = isStream === undefined ? {} : { 'text/event-stream': { schema: { type: 'string', description: 'With `stream: true`: an event a piece, then `[DONE]`; an `error` event when it fails on the way.' } } };
  return {
    operationId: id, summary, ...(scope === undefined ? {} : { description: `Needs a key with the scope \`${scope}\`.` }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(body, 'input') } }),
    responses: { [status]: { description: 'Done.', content: { ...json(reply, 'output'), ...stream } }, default: { description: 'Refused or failed.', content: json(error, 'output') } },
  };
}

function json(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...plain } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, reused: 'inline' });
  return { 'application/json': { schema: plain } };
}
