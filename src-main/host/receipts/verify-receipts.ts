import { randomInt } from 'node:crypto';
import { mkdtemp, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { createWorkerEngine, findLibraries } from '../../inference/index.ts';
import { verifySignature } from '../../mesh/index.ts';
import { decodeReceiptsFile, MAX_FILE_BYTES, openReceiptSession, receiptErrors, verifySession, type LoadRange, type ReceiptSession, type Verification, type WeightKind } from '../../pipeline/index.ts';
import { cutStage, hashModelFiles, openModelFile } from '../../store/index.ts';
import type { Settings } from '../config.ts';
import { hostErrors } from '../errors.ts';
import { findModel, type ModelFile } from '../model-file.ts';
import { appPaths } from '../paths.ts';
import { BATCH_TOKENS } from '../micro-batch.ts';
import { modelLayers } from '../sharded-model.ts';
import { threadsFor } from '../threads.ts';
import type { ProgressSink } from '../types.ts';

export interface VerifyRequest extends ProgressSink {
  /** The receipts file. */
  readonly path: string;
  /** How many windows to recompute. */
  readonly windows: number;
  readonly signal: AbortSignal;
}

/** `verify`: recomputes windows of a receipts file with the model here, a range at a time. Throws RECEIPT_*, HOST_*, ENGINE_*. */
export async function verifyReceipts({ config }: Settings, request: VerifyRequest): Promise<Verification> {
  const { path, windows, signal, onStatus } = request;
  const session = await openReceiptSession(decodeReceiptsFile(await readReceipts(path), path), { name: path, verifySignature });
  const model = await findModel(config.model, { paths: appPaths(), config });
  return recomputeWindows(config, { model, session, windows, signal, name: path, ...(onStatus === undefined ? {} : { onStatus }) });
}

export interface RecomputeRequest extends ProgressSink {
  /** The model that the receipts are about. */
  readonly model: ModelFile;
  readonly session: ReceiptSession;
  readonly windows: number;
  readonly threads?: number;
  /** Of where the receipts come from, for messages. */
  readonly name?: string;
  readonly signal: AbortSignal;
}

/** Windows drawn at random, computed by engines of this machine. Throws RECEIPT_BAD_FILE, RECEIPT_OTHER_MODEL, ENGINE_*, PIPELINE_CANCELLED. */
export async function recomputeWindows(config: Settings['config'], { model, session, windows, threads = config.threads, name = 'the answer', signal, onStatus }: RecomputeRequest): Promise<Verification> {
  onStatus?.('hashing the model');
  await checkModel(model, session, signal);
  const totalLayers = await modelLayers(model);
  if ((session.ranges.at(-1)?.last ?? 0) >= totalLayers) throw receiptErrors.badFile({ name, problem: `it names more than the model's ${totalLayers} layers` });
  await mkdir(config.home, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(config.home, 'verify-'));
  try {
    const load = loader({ model, folder, session, config: { ...config, threads }, onStatus });
    return await verifySession(session, { load, totalLayers, weights: await weightsOf(model), windows, random: (max) => randomInt(max), batchTokens: BATCH_TOKENS, signal });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readReceipts(path: string): Promise<Uint8Array> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) throw hostErrors.receiptsNotFound({ path });
  if (found.size > MAX_FILE_BYTES) throw receiptErrors.badFile({ name: path, problem: `more than ${MAX_FILE_BYTES} bytes` });
  return readFile(path);
}

async function checkModel(model: ModelFile, { modelHash }: ReceiptSession, signal: AbortSignal): Promise<void> {
  const given = await hashModelFiles(model.path, { signal });
  if (given !== modelHash) throw receiptErrors.otherModel({ wanted: modelHash, given, name: basename(model.path) });
}

const FLOAT_TYPES: readonly string[] = ['F32', 'F16', 'BF16'];

async function weightsOf(model: ModelFile): Promise<WeightKind> {
  const opened = await openModelFile(model.path);
  try {
    const isFloat = opened.parts.every(({ tensors }) => tensors.every(({ type }) => FLOAT_TYPES.includes(type.name)));
    return isFloat ? 'float' : 'quantised';
  } finally {
    await opened.close();
  }
}

interface Loader {
  readonly onStatus: ProgressSink['onStatus'] | undefined;
  readonly model: ModelFile;
  readonly folder: string;
  readonly session: ReceiptSession;
  readonly config: Settings['config'];
}

/** Each range as a file of its own, taken away again with the folder; its engine in a process of its own. */
function loader({ model, folder, session, config, onStatus }: Loader): LoadRange {
  const paths = appPaths();
  const worker = { workerPath: paths.stageWorker, nativePath: paths.nativeAddon, librariesFolder: findLibraries() };
  return async (layers, part) => {
    onStatus?.(`computing layers ${layers.first}-${layers.last}`);
    const { path } = await cutStage({ model: model.path, layers, outputPath: join(folder, `layers-${layers.first}-${layers.last}.gguf`) });
    const { size } = await stat(path);
    return createWorkerEngine({
      path, layers, ...part, contextTokens: Math.max(BATCH_TOKENS, session.tokens.length), maxSessions: 1, batchTokens: BATCH_TOKENS,
      threads: threadsFor(config.threads, availableParallelism(), size), gpuLayers: config.gpuLayers,
    }, worker);
  };
}
