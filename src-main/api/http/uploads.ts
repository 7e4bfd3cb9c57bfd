import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { MODEL_LIMITS, UPLOAD_PATH } from '../../../src-preload/bridge/index.ts';
import { parseInput } from '../parse-input.ts';
import type { ModelService } from '../ports.ts';
import type { Guard } from './guard.ts';

const querySchema = z.strictObject({ at: z.coerce.number().int().min(0).max(MODEL_LIMITS.uploadBytes) });

interface Piece {
  Params: { readonly id: string };
}

/**
 * `PUT /uploads/ID?at=BYTE`: the next piece of a file that the page hands over, with the page's key; refused before a byte of the body is
 * read. In pieces, because a browser sends a file only as a whole request, which no server waits for that long.
 */
export function addUploads(app: FastifyInstance, { models, guard }: { readonly models: ModelService | undefined; readonly guard: Promise<Guard> }): void {
  if (models === undefined) return;
  // Here alone: no other route takes bytes.
  void app.register((scope, _, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/octet-stream', { parseAs: 'buffer', bodyLimit: MODEL_LIMITS.uploadPieceBytes }, (_request, body, end) => end(null, body));
    scope.put<Piece>(`${UPLOAD_PATH}:id`, { bodyLimit: MODEL_LIMITS.uploadPieceBytes, onRequest: async ({ headers }) => (await guard).checkBearer(headers) }, async ({ params, query, body }, reply) => {
      const { at } = parseInput(querySchema, query, { what: 'upload', whole: 'query' });
      const bytes = parseInput(z.instanceof(Uint8Array), body, { what: 'upload', whole: 'body' });
      return reply.header('cache-control', 'no-store').send(await models.uploaded(params.id.slice(0, 100), at, bytes));
    });
    done();
  });
}
