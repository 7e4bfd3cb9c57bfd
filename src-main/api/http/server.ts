import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { AddressInfo } from 'node:net';
import { isCoded, RateLimiter, systemClock, type Logger } from '../../base/index.ts';
import { addApi, isApiPath, type ApiAccess } from './api.ts';
import { BridgeServer } from '../bridge/server.ts';
import { SocketBridge } from '../bridge/socket.ts';
import { apiErrors } from '../errors.ts';
import { HTTP_DEFAULTS, type BridgeOptions, type HttpOptions } from '../options.ts';
import type { HostService, MetricsText } from '../ports.ts';
import { errorReply } from '../openai/error-body.ts';
import { toWireError } from '../wire-error.ts';
import { loadAssets, type Assets } from './assets.ts';
import { answerPreflight, Cors } from './cors.ts';
import { Guard } from './guard.ts';
import { securityHeaders } from './headers.ts';
import { statusOf } from './status.ts';
import { onUpgrade } from './upgrade.ts';

export interface HttpServerInit {
  readonly host: HostService;
  readonly metrics: MetricsText;
  readonly logger: Logger;
  /** Folder of the built page. */
  readonly renderer: string;
  readonly options: Pick<HttpOptions, 'key'> & Partial<HttpOptions>;
  readonly bridge?: Partial<BridgeOptions>;
  /** Who may use the API; left out, there is none. */
  readonly access?: ApiAccess;
}

export interface HttpServer {
  readonly port: number;
  /** `http://127.0.0.1:4180/`, without the key. */
  readonly address: string;
  /** The link to print: the key is in the fragment, which no browser sends or logs. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves the page, the bridge, the API, `/health` and `/metrics`. Throws API_PAGE_MISSING, API_PORT_IN_USE. */
export async function startHttpServer(init: HttpServerInit): Promise<HttpServer> {
  const options: HttpOptions = { ...HTTP_DEFAULTS, ...init.options };
  const assets = await loadAssets(init.renderer);
  const app = fastify({ bodyLimit: 65_536, requestTimeout: 30_000, routerOptions: { maxParamLength: 200 }, forceCloseConnections: true });
  const limiter = new RateLimiter({ perSecond: options.requestsPerSecond, burst: options.requestBurst }, systemClock);
  // The port is known only after listening, and no request arrives before that.
  const guard = Promise.withResolvers<Guard>();
  addChecks(app, { guard: guard.promise, limiter, logger: init.logger, cors: new Cors(init.access?.origins ?? []) });
  addRoutes(app, { init, assets, guard: guard.promise });
  if (init.access !== undefined) addApi(app, { host: init.host, logger: init.logger, access: init.access });
  const server = new BridgeServer({ host: init.host, logger: init.logger, ...(init.bridge === undefined ? {} : { options: init.bridge }) });
  const sockets = new SocketBridge({ server, logger: init.logger, maxUnreadBytes: options.maxUnreadBytes });
  onUpgrade(app.server, { guard: guard.promise, limiter, sockets, maxClients: options.maxClients });
  await listen(app, options);
  const { port } = app.server.address() as AddressInfo;
  guard.resolve(new Guard({ host: options.host, port }, options.key));
  const address = `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}/`;
  return { port, address, url: `${address}#key=${options.key}`, stop: () => stop(app, server, sockets) };
}

async function stop(app: FastifyInstance, server: BridgeServer, sockets: SocketBridge): Promise<void> {
  await server.close();
  await sockets.close();
  await app.close();
}

async function listen(app: FastifyInstance, { host, port }: HttpOptions): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw apiErrors.portInUse({ host, port }, error);
    throw error;
  }
}

interface Checks {
  readonly guard: Promise<Guard>;
  readonly limiter: RateLimiter;
  readonly logger: Logger;
  readonly cors: Cors;
}

function addChecks(app: FastifyInstance, { guard, limiter, logger, cors }: Checks): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders(connectSources(request)));
    const checks = await guard;
    checks.checkHost(request.headers);
    const isForeign = cors.allow(request, reply);
    if (!isForeign) checks.checkOrigin(request.headers);
    if (!limiter.take(request.ip)) throw apiErrors.rateLimited({});
    if (isForeign && request.method === 'OPTIONS') return answerPreflight(request, reply);
  });
  app.setNotFoundHandler((request) => {
    throw apiErrors.notFound({ path: request.url.slice(0, 200) });
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (isApiPath(request.url, 'openai')) {
      const { status, retryAfterSeconds, body } = errorReply(error, logger);
      return reply.code(status).headers({ 'cache-control': 'no-store', ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }) }).send(body);
    }
    const isFrameworks = !isCoded(error) && error.statusCode !== undefined && error.statusCode < 500;
    const known = isFrameworks ? apiErrors.badRequest({ what: 'request', field: 'http', reason: error.message }) : error;
    const status = isFrameworks ? error.statusCode ?? 400 : isCoded(known) ? statusOf(known) : 500;
    return reply.code(status).header('cache-control', 'no-store').send({ error: toWireError(known, logger) });
  });
}

// 'self' does not cover ws: in every browser, so the socket's address is written out; an unknown Host is refused anyway.
const connectSources = (request: FastifyRequest): string => (/^[\w.:[\]-]{1,100}$/.test(request.host) ? `'self' ws://${request.host}` : "'self'");

interface Routes {
  readonly init: HttpServerInit;
  readonly assets: Assets;
  readonly guard: Promise<Guard>;
}

function addRoutes(app: FastifyInstance, { init, assets, guard }: Routes): void {
  for (const [path, asset] of assets) {
    app.get(path, (request, reply) => {
      reply.header('cache-control', asset.cacheControl).header('etag', asset.etag);
      if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send();
      return reply.type(asset.contentType).send(asset.body);
    });
  }
  app.get('/health', (_, reply) => {
    const { kind } = init.host.status();
    return reply.code(kind === 'ready' ? 200 : 503).header('cache-control', 'no-store').send({ status: kind });
  });
  /** Lets a page tell a wrong key from a host that is away, which a refused WebSocket does not. */
  app.get('/session', async (request, reply) => {
    (await guard).checkBearer(request.headers);
    return reply.code(204).header('cache-control', 'no-store').send();
  });
  app.get('/metrics', async (request, reply) => {
    (await guard).checkBearer(request.headers);
    return reply.type(init.metrics.contentType).header('cache-control', 'no-store').send(await init.metrics.text());
  });
}
