import { z } from 'zod';
import { command, nothing } from './command.ts';
import { downloadSchema, hubFilesSchema, hubHitsSchema, layerMapSchema, MODEL_LIMITS, modelListSchema, suggestedSchema } from './model.ts';

const text = (maxChars: number) => z.string().min(1).max(maxChars);
const id = text(MODEL_LIMITS.maxSourceChars);
const ofModel = z.strictObject({ id });
const ofDownload = z.strictObject({ id: text(100) });
const freed = z.object({ freedBytes: z.number().int().min(0) });
/** Chosen by the page, to stop it by. */
const lookup = text(100);

const HUB = ['HUB_UNREACHABLE', 'HUB_STALLED', 'HUB_CANCELLED', 'HUB_NOT_FOUND', 'HUB_NOT_ALLOWED', 'HUB_BAD_ANSWER'] as const;
const STORE = ['CATALOG_BUSY', 'CATALOG_IN_USE', 'SPACE_NO_SUCH_MODEL', 'HOST_MODEL_NOT_FOUND'] as const;
const ROOM = ['API_TOO_MANY_DOWNLOADS', 'SPACE_QUOTA', 'SPACE_DISK_FULL'] as const;

/** The models of this node: what is here, what could be, and which one answers. */
export const modelCommands = {
  /** With `ask`, other machines are asked for their memory where a model does not fit here; that takes up to three seconds. */
  'models.list': command(z.strictObject({ ask: z.boolean().default(false) }), modelListSchema, STORE),
  /** The list that comes with the app; needs no internet, what it names does. */
  'models.suggested': command(nothing, suggestedSchema),
  'models.search': command(z.strictObject({ lookup, text: z.string().trim().min(1).max(MODEL_LIMITS.maxSearchChars) }), hubHitsSchema, HUB),
  /** The models of a repository of the hub, `owner/name`. */
  'models.files': command(z.strictObject({ lookup, repo: z.string().regex(/^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/) }), hubFilesSchema, HUB),
  'models.stopLookup': command(z.strictObject({ lookup }), nothing),
  /** Begins, or goes on with what was broken off. */
  'models.download': command(z.strictObject({ source: text(MODEL_LIMITS.maxSourceChars).regex(/^(hf:|https?:\/\/)/) }), downloadSchema, ROOM),
  /** A file on the machine of the node: it stays where it is, and is hashed. */
  'models.addPath': command(z.strictObject({ path: text(4_096).regex(/\.gguf$/i, 'must end in .gguf') }), downloadSchema, ROOM),
  /** A file of the browser's machine: its pieces follow, to UPLOAD_PATH and the id, in order. */
  'models.upload': command(z.strictObject({ name: text(MODEL_LIMITS.maxNameChars), sizeBytes: z.number().int().min(32).max(MODEL_LIMITS.uploadBytes) }), downloadSchema, [...ROOM, 'HOST_UPLOAD_NAME', 'HOST_MODEL_EXISTS']),
  'models.pause': command(ofDownload, downloadSchema, ['API_NOT_FOUND']),
  'models.resume': command(ofDownload, downloadSchema, ['API_NOT_FOUND', ...ROOM]),
  /** What came stays for the next time, unless `drop` is set. */
  'models.cancel': command(z.strictObject({ id: text(100), drop: z.boolean().default(false) }), downloadSchema, ['API_NOT_FOUND']),
  /** Takes one that has ended off the list. */
  'models.dismiss': command(ofDownload, nothing, ['API_NOT_FOUND']),
  /** Most that all downloads take together; null: what the line gives. */
  'models.throttle': command(z.strictObject({ bytesPerSecond: z.number().int().min(MODEL_LIMITS.minBytesPerSecond).max(1e12).nullable() }), nothing),
  'models.dropUnfinished': command(z.strictObject({ source: id }), freed, STORE),
  'models.pin': command(z.strictObject({ id, isPinned: z.boolean() }), nothing, STORE),
  /** With all that was cut of it, pinned or not; a file of the user is only taken off the list. */
  'models.remove': command(ofModel, freed, [...STORE, 'HOST_MODEL_IN_USE']),
  'models.layers': command(ofModel, layerMapSchema, STORE),
  /** Ends when the other model answers; when it cannot, the former one is loaded again. `finish` waits for answers under way, `cancel` stops them. */
  'models.use': command(z.strictObject({ id, running: z.enum(['finish', 'cancel']) }), nothing, [...STORE, 'HOST_MODEL_AMBIGUOUS', 'HOST_MODEL_ONLY_SHARDS', 'HOST_SWITCHING', 'HOST_NOT_SWITCHED']),
} as const;
