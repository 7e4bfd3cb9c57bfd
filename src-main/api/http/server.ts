import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { AddressInfo } from 'node:net';
import { isCoded, RateLimiter, systemClock, type Logger } from '../../base/index.ts';
import { KeyRing } from '../keys/index.ts';
import { addApi, isApiPath, type ApiAccess } from './api.ts';
import { BridgeServer } from '../bridge/server.ts';
import { SocketBridge } from '../bridge/socket.ts';
import { apiErrors } from '../errors.ts';
import { HTTP_DEFAULTS, type BridgeOptions, type HttpOptions } from '../options.ts';
import type { HostService, MetricsText } from '../ports.ts';
import { errorReply } from '../openai/error-body.ts';
import { toWireError } from '../wire-error.ts';
import { loadAssets, type Assets } from './assets.ts';
import { dressed } from './dressed.ts';
import { answerPreflight, Cors } from './cors.ts';
import { Guard } from './guard.ts';
import { securityHeaders } from './headers.ts';
import { checkPrivacy, originOf, placeOf } from './place.ts';
import { statusOf } from './status.ts';
import { readTls, type TlsIdentity } from './tls.ts';
import { onUpgrade } from './upgrade.ts';
import { addUploads } from './uploads.ts';

export interface HttpServerInit {
  readonly host: HostService;
  readonly metrics: MetricsText;
  readonly logger: Logger;
  /** Folder of the built page; left out, there is neither page nor bridge. */
  readonly renderer?: string;
  readonly options: Pick<HttpOptions, 'key'> & Partial<HttpOptions>;
  readonly bridge?: Partial<BridgeOptions>;
  /** Who may use the API; left out, there is none. */
  readonly access?: ApiAccess;
}

export interface HttpServer {
  readonly port: number;
  /** `http://127.0.0.1:4180/`, or with https, without the key. */
  readonly address: string;
  /** The link to print: the key is in the fragment, which no browser sends or logs. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves the page, the bridge, the API, `/health` and `/metrics`. Throws API_PAGE_MISSING, API_PORT_IN_USE, API_NEEDS_TLS, API_TLS_*. */
export async function startHttpServer(init: HttpServerInit): Promise<HttpServer> {
  const options: HttpOptions = { ...HTTP_DEFAULTS, ...init.options };
  checkPrivacy(options);
  const tls = options.tls === undefined ? undefined : await readTls(options.tls, systemClock.now());
  const assets: Assets = init.renderer === undefined ? new Map() : await loadAssets(init.renderer);
  const app = createApp(tls);
  const limiter = new RateLimiter({ perSecond: options.requestsPerSecond, burst: options.requestBurst }, systemClock);
  const keys = init.access === undefined ? undefined : new KeyRing(init.access.home);
  // The port is known only after listening, and no request arrives before that.
  const guard = Promise.withResolvers<Guard>();
  addChecks(app, { guard: guard.promise, limiter, logger: init.logger, cors: new Cors(init.access?.origins ?? []), isSecure: tls !== undefined });
  addRoutes(app, { init, assets, guard: guard.promise, keys });
  addUploads(app, { models: init.host.models, guard: guard.promise });
  if (init.access !== undefined && keys !== undefined) addApi(app, { host: init.host, logger: init.logger, access: init.access, keys });
  const closeBridge = init.renderer === undefined ? async () => undefined : addBridge(app, { init, options, guard: guard.promise, limiter });
  await listen(app, options);
  const { port } = app.server.address() as AddressInfo;
  const place = placeOf({ host: options.host, port }, tls);
  guard.resolve(new Guard(place, options.key));
  const address = `${originOf(place)}/`;
  const stop = async (): Promise<void> => {
    await closeBridge();
    await app.close();
  };
  return { port, address, url: `${address}#key=${options.key}`, stop };
}

function createApp(tls: TlsIdentity | undefined): FastifyInstance {
  const options = { bodyLimit: 65_536, requestTimeout: 30_000, routerOptions: { maxParamLength: 200 }, forceCloseConnections: true } as const;
  if (tls === undefined) return fastify(options);
  // To routes and hooks a server with TLS is as one without.
  return fastify({ ...options, https: { cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' } });
}

interface BridgeInit {
  readonly init: HttpServerInit;
  readonly options: HttpOptions;
  readonly guard: Promise<Guard>;
  readonly limiter: RateLimiter;
}

/** Returns its end: answers first, then the connections. */
function addBridge(app: FastifyInstance, { init, options, guard, limiter }: BridgeInit): () => Promise<void> {
  const server = new BridgeServer({ host: init.host, logger: init.logger, ...(init.bridge === undefined ? {} : { options: init.bridge }) });
  const sockets = new SocketBridge({ server, logger: init.logger, maxUnreadBytes: options.maxUnreadBytes });
  onUpgrade(app.server, { guard, limiter, sockets, maxClients: options.maxClients });
  return async () => {
    server.close();
    await sockets.close();
  };
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
  readonly isSecure: boolean;
}

function addChecks(app: FastifyInstance, { guard, limiter, logger, cors, isSecure }: Checks): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders(connectSources(request, isSecure ? 'wss' : 'ws')));
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
const connectSources = (request: FastifyRequest, scheme: 'ws' | 'wss'): string => (/^[\w.:[\]-]{1,100}$/.test(request.host) ? `'self' ${scheme}://${request.host}` : "'self'");

interface Routes {
  readonly init: HttpServerInit;
  readonly assets: Assets;
  readonly guard: Promise<Guard>;
  readonly keys: KeyRing | undefined;
}

function addRoutes(app: FastifyInstance, { init, assets, guard, keys }: Routes): void {
  for (const [path, asset] of assets) {
    app.get(path, (request, reply) => {
      const looks = path === '/' || path === '/index.html' ? init.host.preferences?.now() : undefined;
      if (looks !== undefined) return reply.header('cache-control', asset.cacheControl).type(asset.contentType).send(dressed(asset.body, looks));
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
  if (init.renderer !== undefined) app.get('/session', async (request, reply) => {
    (await guard).checkBearer(request.headers);
    return reply.code(204).header('cache-control', 'no-store').send();
  });
  app.get('/metrics', async (request, reply) => {
    const checks = await guard;
    // A key of the API is told apart by its look, so that a wrong key of the page stays just that.
    if (keys !== undefined && /^Bearer +omni_/i.test(request.headers.authorization ?? '')) await keys.check(request.headers, 'metrics');
    else checks.checkBearer(request.headers);
    return reply.type(init.metrics.contentType).header('cache-control', 'no-store').send(await init.metrics.text());
  });
}
