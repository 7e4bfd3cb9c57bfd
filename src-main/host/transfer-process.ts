import { BoundedQueue, createLogger, exitWithParent, leaveParent, onParentMessage, tellParent, toCoded } from '../base/index.ts';
import type { FetchEvent, FetchReport } from '../store/index.ts';
import { passingIdentity, zoneOptions } from './mesh-zone.ts';
import { createMetricsRegistry } from './metrics-registry.ts';
import { toTransferSchema, type FromTransfer, type StartTransfer, type ToTransfer, type TransferEvent, type TransferReport } from './transfer-messages.ts';
import { TransferNode } from './transfer-node.ts';

/** Entry of the process that moves shards, so that hidden states do not wait behind them. */
let node: TransferNode | undefined;
const running = new Map<number, AbortController>();
/** Peers that are found while a fetch is under way. */
const found = new Map<number, BoundedQueue<readonly string[]>>();
const MAX_FOUND = 1024;

/** Progress is told this often at most. */
const PROGRESS_MS = 100;

const tell = (message: FromTransfer): void => tellParent(message);

async function start({ identityPath, logLevel, ...options }: StartTransfer): Promise<void> {
  try {
    node = await TransferNode.create({
      ...options, logger: createLogger(logLevel), metrics: createMetricsRegistry(),
      identity: identityPath === undefined ? passingIdentity(options) : { kind: 'file', path: identityPath },
      zone: await zoneOptions(options),
    });
    await node.start();
    tell({ type: 'ready', peerId: node.mesh.peerId, addresses: [...node.mesh.addresses()] });
  } catch (error) {
    tell({ type: 'failed', error: toCoded(error).toWire() });
    process.exitCode = 1;
    leaveParent();
  }
}

/** Runs one job that can be called off; how it ends is told. */
async function run(id: number, job: (of: TransferNode, signal: AbortSignal) => Promise<FromTransfer>): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  try {
    if (node !== undefined) tell(await job(node, controller.signal));
  } catch (error) {
    tell({ type: 'failed', id, error: toCoded(error).toWire() });
  } finally {
    running.delete(id);
  }
}

function fetch({ id, shards, peers, urls, downloadBytesPerSecond, patienceMs }: Extract<ToTransfer, { type: 'fetch' }>): Promise<void> {
  let toldMs = Number.NEGATIVE_INFINITY;
  const onEvent = (event: FetchEvent): void => {
    const isSoon = event.kind === 'progress' && event.bytesDone < event.bytesTotal && performance.now() - toldMs < PROGRESS_MS;
    if (isSoon) return;
    if (event.kind === 'progress') toldMs = performance.now();
    tell({ type: 'event', id, event: portableEvent(event) });
  };
  const more = new BoundedQueue<readonly string[]>(MAX_FOUND);
  found.set(id, more);
  return run(id, async (of, signal) => ({ type: 'fetched', id, report: portableReport(await of.fetch({ shards, peers, urls, more, downloadBytesPerSecond, patienceMs, signal, onEvent })) }))
    .finally(() => { found.delete(id); });
}

const portableEvent = (event: FetchEvent): TransferEvent => (event.kind === 'dropped' ? { ...event, error: event.error.toWire() } : event);

const portableReport = ({ sources, ...report }: FetchReport): TransferReport => ({
  ...report, sources: sources.map(({ name, bytes, error }) => ({ name, bytes, ...(error === undefined ? {} : { error: error.toWire() }) })),
});

function receive(message: ToTransfer): Promise<void> {
  switch (message.type) {
    case 'start': return start(message);
    case 'fetch': return fetch(message);
    case 'block': return run(message.id, async (of, signal) => ({ type: 'block', id: message.id, bytes: await of.block(message.cid, message.peers, signal) }));
    case 'peers': return Promise.resolve(void found.get(message.id)?.push(message.peers));
    case 'cancel': return Promise.resolve(running.get(message.id)?.abort());
    case 'stop': return (node?.stop() ?? Promise.resolve()).then(() => process.exit(0));
  }
}

// Ctrl-C reaches the whole process group; the parent decides when we stop.
process.on('SIGINT', () => undefined);
// What was written is noted leaf by leaf: an end at any point loses nothing.
exitWithParent();
onParentMessage((raw) => void receive(toTransferSchema.parse(raw)));
