import { z } from 'zod';
import { layersSchema } from './dto.ts';
import { wireErrorSchema } from './errors.ts';
import { bytes, id, smallCount as count, text, time } from './primitives.ts';

export const MODEL_LIMITS = {
  listed: 500, hits: 50, files: 200, suggested: 100, unfinished: 100, downloads: 50, holders: 64,
  maxSearchChars: 200, maxSourceChars: 2_000, maxNameChars: 200,
  /** Of one piece of a file that a browser hands over, and of all of them. */
  uploadPieceBytes: 8_388_608, uploadBytes: 2_000_000_000_000,
  minBytesPerSecond: 16_384,
} as const;

/** Where a browser puts the pieces of a file: `PUT <path><id>?at=<first byte>`, with the page's key. */
export const UPLOAD_PATH = '/uploads/';

const ranges = z.array(layersSchema).max(512).readonly();

/** Whether a model fits on this machine or, cut by layers, on it and others. */
export const fitSchema = z.object({
  fits: z.enum(['here', 'with-peers', 'no']),
  /** `size`: of the file's size alone, without what a context takes; `header`: of what the model says of itself. */
  basis: z.enum(['header', 'size']),
  needBytes: bytes,
  /** Memory free on this machine when it was reckoned. */
  freeBytes: bytes,
  /** Machines besides this one; with `with-peers` only. */
  peersNeeded: count.exactOptional(),
  /** Other machines that were asked for their memory: those that count, those that did not answer, those that take no layers. Absent where nobody was asked. */
  asked: z.object({ counted: count, silent: count, unwilling: count }).exactOptional(),
});
export type Fit = z.infer<typeof fitSchema>;

/** What a choice of this model would meet: it is the one in use, it can be, or why it cannot. */
export const usabilitySchema = z.enum(['in-use', 'can', 'too-large', 'pieces-only', 'cannot-be-cut', 'damaged', 'missing']);
export type Usability = z.infer<typeof usabilitySchema>;

export const heldModelSchema = z.object({
  /** What the models.* commands take. */
  id: text,
  name: text,
  kind: z.enum(['built-in', 'file', 'pieces']),
  architecture: text.exactOptional(),
  quantization: text.exactOptional(),
  layers: count.exactOptional(),
  /** Context that it was trained for. */
  trainedTokens: count.exactOptional(),
  sizeBytes: bytes,
  /** Of the whole model, what is here. */
  heldBytes: bytes,
  /** What it takes of the store: its file, and the copies of its layers that were cut for running or giving. */
  fileBytes: bytes,
  cutBytes: bytes,
  /** Last use; absent when it was not used. */
  usedAtMs: time.exactOptional(),
  isPinned: z.boolean(),
  /** False: the file is the user's, and is never removed. */
  isOwned: z.boolean(),
  usability: usabilitySchema,
  fit: fitSchema.exactOptional(),
});
export type HeldModel = z.infer<typeof heldModelSchema>;

/** A download that is not whole: under way, or broken off. */
export const unfinishedSchema = z.object({
  /** What `models.download` and `models.dropUnfinished` take. */
  source: text,
  name: text,
  sizeBytes: bytes,
  storedBytes: bytes,
  isUnderWay: z.boolean(),
  /** Of what comes from a hub or the web. */
  canResume: z.boolean(),
});
export type Unfinished = z.infer<typeof unfinishedSchema>;

export const modelListSchema = z.object({
  models: z.array(heldModelSchema).max(MODEL_LIMITS.listed).readonly(),
  unfinished: z.array(unfinishedSchema).max(MODEL_LIMITS.unfinished).readonly(),
  disk: z.object({
    usedBytes: bytes,
    /** Of that, kept for files that are still to come. */
    reservedBytes: bytes,
    /** Null where only the disk limits. */
    quotaBytes: bytes.nullable(),
    freeBytes: bytes,
    pinnedBytes: bytes,
  }),
  /** Tokens that the verdicts count with. */
  contextTokens: count,
  /** The model of the configuration, when it was not found at the start. */
  missing: text.exactOptional(),
});
export type ModelList = z.infer<typeof modelListSchema>;

export const downloadStepSchema = z.object({
  phase: z.string().max(100), file: text, part: z.int().min(1), parts: z.int().min(1), bytesDone: z.number().min(0), bytesTotal: z.number().min(0),
  bytesPerSecond: z.number().min(0).optional(), etaMs: z.number().min(0).optional(),
});
export type DownloadStep = z.infer<typeof downloadStepSchema>;

/** A model on its way here. REST and the page show the same ones. */
export const downloadSchema = z.object({
  id: z.string().max(100), source: text,
  kind: z.enum(['download', 'file', 'upload']).describe('From a hub or the web, a file that is here already, or one that a browser hands over.'),
  state: z.enum(['running', 'paused', 'done', 'failed', 'cancelled']),
  name: text.optional().describe('Of the model; known before anything is downloaded.'),
  fits: z.string().max(100).optional().describe('Whether the model fits: here, on the mesh, or not.'),
  progress: downloadStepSchema.optional(),
  manifestCid: text.optional().describe('What peers fetch it by, once it is here.'),
  error: wireErrorSchema.optional(),
});
export type DownloadRow = z.infer<typeof downloadSchema>;

/** What every page follows: downloads, and that the models here are not what they were. */
export const modelsNowSchema = z.object({
  /** Grows when the models that are held, or what is unfinished, changed. */
  revision: count,
  downloads: z.array(downloadSchema).max(MODEL_LIMITS.downloads + 8).readonly(),
  /** Most that all downloads take together; absent: what the line gives. */
  bytesPerSecond: count.exactOptional(),
});
export type ModelsNow = z.infer<typeof modelsNowSchema>;

export const suggestedSchema = z.object({
  /** Day on which the facts were compared, ISO 8601. */
  asOf: z.string().max(20),
  models: z.array(z.object({
    name: text, source: text, repo: text, sizeBytes: bytes, architecture: text, license: text.exactOptional(), contextTokens: count.exactOptional(), fit: fitSchema, isHeld: z.boolean(),
  })).max(MODEL_LIMITS.suggested).readonly(),
});
export type Suggested = z.infer<typeof suggestedSchema>;

export const hubHitsSchema = z.object({
  hits: z.array(z.object({ repo: text, downloads: bytes, likes: bytes, license: text.exactOptional(), isGated: z.boolean() })).max(MODEL_LIMITS.hits).readonly(),
});
export type HubHit = z.infer<typeof hubHitsSchema>['hits'][number];

export const hubFilesSchema = z.object({
  files: z.array(z.object({ source: text, name: text, quantization: text.exactOptional(), sizeBytes: bytes, parts: count, fit: fitSchema, isHeld: z.boolean() })).max(MODEL_LIMITS.files).readonly(),
  isCut: z.boolean(),
});

/** Which machine has which layers of a model: on its disk, and in its memory. */
export const layerMapSchema = z.object({
  layers: count,
  holders: z.array(z.object({ peerId: id, name: z.string().max(100).exactOptional(), isHere: z.boolean(), held: ranges, loaded: ranges })).max(MODEL_LIMITS.holders).readonly(),
});
export type LayerMap = z.infer<typeof layerMapSchema>;
