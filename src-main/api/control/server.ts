import { fastify, type FastifyInstance } from 'fastify';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { isCoded, RateLimiter, systemClock, type Logger } from '../../base/index.ts';
import { apiErrors } from '../errors.ts';
import { Guard } from '../http/guard.ts';
import { placeOf } from '../http/place.ts';
import { statusOf } from '../http/status.ts';
import { CONTROL_CONTRIBUTE_PATH, CONTROL_LIMITS, CONTROL_METRICS_PATH, CONTROL_NET_PATH, CONTROL_PATH, CONTROL_PEERS_PATH, CONTROL_SUM_PATH } from '../options.ts';
import { parseInput } from '../parse-input.ts';
import type { ContributeService, HostService, MetricsText } from '../ports.ts';
import { toWireError } from '../wire-error.ts';
import { isOwnerCall, ownerCalls } from './economy-schema.ts';
import { removeControlFile, writeControlFile } from './file.ts';
import { peersNow, peersStream } from './peers.ts';
import { contributeOrderSchema, type RunningHost } from './schema.ts';

export interface ControlServerInit {
  readonly host: HostService;
  readonly metrics: MetricsText;
  /** Its folder; the key is left there for the owner's commands. */
  readonly home: string;
  readonly logger: Logger;
}

export interface ControlServer {
  readonly port: number;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';

/** Tells the owner's `omninode` commands how a host does. On loopback, to who has read the key in the home folder; changes nothing but whether others are served. */
export async function startControlServer({ host, metrics, home, logger }: ControlServerInit): Promise<ControlServer> {
  const key = randomBytes(32).toString('base64url');
  const app = fastify({ bodyLimit: 1024, requestTimeout: 10_000, forceCloseConnections: true });
  const guard = Promise.withResolvers<Guard>();
  addChecks(app, guard.promise, logger);
  app.get(CONTROL_PATH, () => runningHost(host));
  addPeers(app, host);
  addContribute(app, host.contribute);
  addSum(app, host.owner);
  app.get(CONTROL_NET_PATH, () => host.net?.() ?? Promise.reject(apiErrors.unsupported({ command: CONTROL_NET_PATH })));
  app.get(CONTROL_METRICS_PATH, async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  await app.listen({ host: HOST, port: 0 });
  const { port } = app.server.address() as AddressInfo;
  guard.resolve(new Guard(placeOf({ host: HOST, port }, undefined), key));
  const stop = async (): Promise<void> => {
    await removeControlFile(home, key);
    await app.close();
  };
  await writeControlFile(home, { pid: process.pid, port, key }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { port, stop };
}

/** `?watch=1`: a line now and one after each change, until the command goes. */
function addPeers(app: FastifyInstance, host: HostService): void {
  let watchers = 0;
  app.get<{ Querystring: { readonly watch?: string } }>(CONTROL_PEERS_PATH, ({ query }, reply) => {
    if (query.watch === undefined) return peersNow(host);
    if (watchers >= CONTROL_LIMITS.maxWatchers) throw apiErrors.rateLimited({});
    watchers++;
    return reply.type('application/x-ndjson').send(peersStream(host).once('close', () => watchers--));
  });
}

function addContribute(app: FastifyInstance, service: HostService['contribute']): void {
  const having = (): ContributeService => {
    if (service === undefined) throw apiErrors.unsupported({ command: CONTROL_CONTRIBUTE_PATH });
    return service;
  };
  app.get(CONTROL_CONTRIBUTE_PATH, () => having().get());
  app.post(CONTROL_CONTRIBUTE_PATH, ({ body }) => {
    const order = parseInput(contributeOrderSchema, body, { what: CONTROL_CONTRIBUTE_PATH, whole: 'body' });
    switch (order.order) {
      case 'on': return having().set({ isOn: true });
      case 'off': return having().set({ isOn: false });
      case 'pause': return having().pause(order.ms);
      case 'resume': return having().resume();
    }
  });
}

/** Files of keys are imported here, hence the larger body. */
function addSum(app: FastifyInstance, service: HostService['owner']): void {
  app.post<{ Params: { readonly call: string } }>(`${CONTROL_SUM_PATH}:call`, { bodyLimit: CONTROL_LIMITS.maxSumBodyBytes }, async ({ params: { call }, body }) => {
    if (!isOwnerCall(call) || service === undefined) throw apiErrors.unsupported({ command: `${CONTROL_SUM_PATH}${call.slice(0, 100)}` });
    const ask = service[call] as (input: unknown) => Promise<unknown>;
    // Wrapped: JSON has no reply for "nothing".
    return { reply: (await ask(parseInput(ownerCalls[call].input, body, { what: call, whole: 'body' }))) ?? null };
  });
}

function addChecks(app: FastifyInstance, guard: Promise<Guard>, logger: Logger): void {
  const limiter = new RateLimiter(CONTROL_LIMITS, systemClock);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    const checks = await guard;
    checks.checkHost(request.headers);
    checks.checkOrigin(request.headers);
    if (!limiter.take(request.ip)) throw apiErrors.rateLimited({});
    checks.checkBearer(request.headers);
  });
  app.setNotFoundHandler((request) => {
    throw apiErrors.notFound({ path: request.url.slice(0, 200) });
  });
  app.setErrorHandler((error, _, reply) => reply.code(isCoded(error) ? statusOf(error) : 500).send({ error: toWireError(error, logger) }));
}

function runningHost(host: HostService): RunningHost {
  const { mode, model, addresses } = host.info();
  const load = host.load?.();
  return {
    pid: process.pid, mode, addresses, status: host.status(), stages: [...host.stages()],
    ...(model === undefined ? {} : { model }), ...(load === undefined ? {} : { load }),
  };
}
