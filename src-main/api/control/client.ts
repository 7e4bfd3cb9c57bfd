import { z } from 'zod';
import { CodedError, isAlive } from '../../base/index.ts';
import { apiErrors } from '../errors.ts';
import { CONTROL_CONTRIBUTE_PATH, CONTROL_LIMITS, CONTROL_METRICS_PATH, CONTROL_NET_PATH, CONTROL_NET_TIMEOUT_MS, CONTROL_PATH, CONTROL_PEERS_PATH, CONTROL_SUM_PATH, CONTROL_SUM_TIMEOUT_MS } from '../options.ts';
import { contributionSchema, wireErrorSchema, type Contribution } from '../../../src-preload/bridge/index.ts';
import { ownerCalls, type OwnerCall, type OwnerInput, type OwnerOutput } from './economy-schema.ts';
import { readControlFile, type ControlFile } from './file.ts';
import { netNowSchema, peersNowSchema, runningHostSchema, type ContributeOrder, type NetNow, type PeersNow, type RunningHost } from './schema.ts';

/** How the host that runs with this home does. @throws API_NOT_RUNNING, API_CONTROL_FAILED */
export const askRunningHost = (home: string, signal: AbortSignal): Promise<RunningHost> => ask(home, { path: CONTROL_PATH, schema: runningHostSchema, signal });

/** Whom that host knows. @throws API_NOT_RUNNING, API_CONTROL_FAILED */
export const askPeers = (home: string, signal: AbortSignal): Promise<PeersNow> => ask(home, { path: CONTROL_PEERS_PATH, schema: peersNowSchema, signal });

/** Its part in the mesh, after it tried again whom it does not reach. @throws API_NOT_RUNNING, API_CONTROL_FAILED */
export const askNet = (home: string, signal: AbortSignal): Promise<NetNow> => ask(home, { path: CONTROL_NET_PATH, schema: netNowSchema, signal, timeoutMs: CONTROL_NET_TIMEOUT_MS });

/** What it gives to others, after `order` where there is one. @throws API_NOT_RUNNING, API_CONTROL_FAILED */
export const askContribution = (home: string, signal: AbortSignal, order?: ContributeOrder): Promise<Contribution> => ask(home, { path: CONTROL_CONTRIBUTE_PATH, schema: contributionSchema, signal, body: order });

/** One of `ownerCalls`. @throws API_NOT_RUNNING, API_CONTROL_FAILED, and what the host's chain and wallet throw */
export async function askOwner<N extends OwnerCall>(home: string, signal: AbortSignal, { name, input }: { readonly name: N; readonly input: OwnerInput<N> }): Promise<OwnerOutput<N>> {
  const schema = z.object({ reply: ownerCalls[name].output });
  const { reply } = await ask(home, { path: `${CONTROL_SUM_PATH}${name}`, schema, signal, body: input, timeoutMs: CONTROL_SUM_TIMEOUT_MS });
  return reply as OwnerOutput<N>;
}

/** What it counts, as Prometheus reads it. @throws API_NOT_RUNNING, API_CONTROL_FAILED */
export async function askMetrics(home: string, signal: AbortSignal): Promise<string> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(CONTROL_LIMITS.timeoutMs)]);
  const reply = await get(await fileOf(home), { home, path: CONTROL_METRICS_PATH, signal: within });
  return inTime(readText(reply));
}

/** Whom that host knows, now and after each change; ends with the host, or with the signal, whose reason it throws. @throws API_NOT_RUNNING, API_CONTROL_FAILED */
export async function* watchPeers(home: string, signal: AbortSignal): AsyncGenerator<PeersNow> {
  const file = await fileOf(home);
  const reply = await get(file, { home, path: `${CONTROL_PEERS_PATH}?watch=1`, signal });
  try {
    for await (const line of linesOf(reply)) yield parse(line, peersNowSchema);
  } catch (error) {
    signal.throwIfAborted();
    // A host that was killed ends its reply in the middle.
    if (error instanceof TypeError) return;
    throw error;
  }
}

interface Ask<S extends z.ZodType> {
  readonly path: string;
  readonly schema: S;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Sent with POST where there is one. */
  readonly body?: unknown;
}

async function ask<S extends z.ZodType>(home: string, { path, schema, signal, body, timeoutMs = CONTROL_LIMITS.timeoutMs }: Ask<S>): Promise<z.output<S>> {
  const file = await fileOf(home);
  const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const reply = await get(file, { home, path, signal: within, body });
  return parse(await inTime(readText(reply)), schema);
}

// A host that was killed leaves its file; the port may be another program's by now, which must not get the key.
async function fileOf(home: string): Promise<ControlFile> {
  const file = await readControlFile(home);
  if (file === undefined || !isAlive(file.pid)) throw apiErrors.notRunning({ home });
  return file;
}

function parse<S extends z.ZodType>(text: string, schema: S): z.output<S> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw apiErrors.controlFailed({ reason: 'its reply has another shape' }, error);
  }
}

async function get({ port, key }: ControlFile, { home, path, signal, body }: { readonly home: string; readonly path: string; readonly signal: AbortSignal; readonly body?: unknown }): Promise<Response> {
  const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  try {
    const reply = await inTime(fetch(`http://127.0.0.1:${port}${path}`, { ...sent, headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, signal, redirect: 'error' }));
    if (!reply.ok) throw await refusalOf(reply);
    return reply;
  } catch (error) {
    if (error instanceof TypeError) throw apiErrors.notRunning({ home }, error);
    throw error;
  }
}

/** What the host behind the server says is wrong; that the server itself refused is told by its status. */
async function refusalOf(reply: Response): Promise<CodedError> {
  const failed = (cause?: unknown): CodedError => apiErrors.controlFailed({ reason: `it answered ${reply.status}` }, cause);
  const text = await inTime(readText(reply));
  try {
    const { next, ...error } = z.object({ error: wireErrorSchema }).parse(JSON.parse(text)).error;
    return error.code.startsWith('API_') ? failed() : CodedError.fromWire({ ...error, ...(next === undefined ? {} : { next }) });
  } catch (error) {
    return failed(error);
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DOMException) throw apiErrors.controlFailed({ reason: 'it did not answer in time' }, error);
    throw error;
  }
}

async function readText(reply: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of reply.body ?? []) {
    sizeBytes += part.length;
    checkSize(sizeBytes);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function* linesOf(reply: Response): AsyncGenerator<string> {
  let rest: Uint8Array = new Uint8Array();
  for await (const part of reply.body ?? []) {
    rest = Buffer.concat([rest, part]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      yield Buffer.from(rest.subarray(0, end)).toString('utf8');
      rest = rest.subarray(end + 1);
    }
    checkSize(rest.length);
  }
}

function checkSize(sizeBytes: number): void {
  if (sizeBytes > CONTROL_LIMITS.maxReplyBytes) throw apiErrors.controlFailed({ reason: `its reply is longer than ${CONTROL_LIMITS.maxReplyBytes} bytes` });
}
