import { z } from 'zod';
import { hubErrors } from './errors.ts';
import { isPlainPath } from './reference.ts';
import { statusError } from './statuses.ts';
import { shownUrl, WEB_LIMITS, webGet, type WebAnswer, type WebOptions } from './web.ts';

/** A hub that speaks the API of huggingface.co. */
export interface HubOptions extends WebOptions {
  /** Origin, e.g. `https://huggingface.co`. */
  readonly hubUrl: string;
}

export interface HubModel {
  /** `owner/name`. */
  readonly repo: string;
  readonly downloads: number;
  readonly likes: number;
  /** As the repository's tags say; absent when they do not. */
  readonly license?: string;
  /** The owner wants terms accepted first. */
  readonly isGated: boolean;
}

export interface HubFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** 64 hex digits, for files in large-file storage. */
  readonly sha256?: string;
}

/** Pages of a repository's file list that are read at most: 1,000 files each. */
const MAX_TREE_PAGES = 20;

const count = z.number().int().min(0).catch(0);
const modelSchema = z.object({
  id: z.string().regex(/^[\w.-]{1,96}\/[\w.-]{1,96}$/), downloads: count, likes: count, tags: z.array(z.string().max(512)).max(2_000).catch([]),
  gated: z.union([z.boolean(), z.enum(['auto', 'manual'])]).catch(false),
});
const modelsSchema = z.array(z.unknown()).max(1_000);
const entrySchema = z.object({
  type: z.string(), path: z.string().min(1).max(1_024), size: z.number().int().min(0),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.number().int().min(0) }).optional().catch(undefined),
});
const treeSchema = z.array(entrySchema).max(10_000);

/** Models with GGUF files whose names have the words, most downloaded first. Entries that make no sense are left out. */
export async function searchHub(words: string, options: HubOptions & { readonly limit: number }): Promise<HubModel[]> {
  const query = new URLSearchParams([['search', words], ['filter', 'gguf'], ['sort', 'downloads'], ['limit', String(options.limit)]]);
  for (const field of ['downloads', 'likes', 'tags', 'gated']) query.append('expand', field);
  const { value } = await getJson(`${options.hubUrl}/api/models?${query}`, modelsSchema, options);
  return value.flatMap((one) => modelSchema.safeParse(one).data ?? []).slice(0, options.limit).map(({ id, downloads, likes, tags, gated }) => {
    const license = tags.find((tag) => /^license:[\w.-]{1,64}$/.test(tag))?.slice('license:'.length);
    return { repo: id, downloads, likes, isGated: gated !== false, ...(license === undefined ? {} : { license }) };
  });
}

/** All .gguf files of a repository at a revision whose names are fit for a disk. */
export async function listHubFiles(repo: string, revision: string, options: HubOptions): Promise<HubFile[]> {
  const files: HubFile[] = [];
  let url: string | undefined = `${options.hubUrl}/api/models/${repo}/tree/${encodeURIComponent(revision)}?recursive=true`;
  for (let page = 0; url !== undefined && page < MAX_TREE_PAGES; page++) {
    const { value, next }: Page<z.infer<typeof treeSchema>> = await getJson(url, treeSchema, options);
    for (const { type, path, size, lfs } of value) {
      if (type !== 'file' || !/\.gguf$/i.test(path) || !isPlainPath(path)) continue;
      files.push({ path, sizeBytes: lfs?.size ?? size, ...(lfs === undefined ? {} : { sha256: lfs.oid }) });
    }
    url = next;
  }
  return files;
}

export const fileUrl = (hubUrl: string, repo: string, file: { readonly revision: string; readonly path: string }): string =>
  `${hubUrl}/${repo}/resolve/${encodeURIComponent(file.revision)}/${file.path.split('/').map(encodeURIComponent).join('/')}`;

interface Page<T> {
  readonly value: T;
  readonly next: string | undefined;
}

async function getJson<T>(url: string, schema: z.ZodType<T>, options: WebOptions): Promise<Page<T>> {
  const answer = await webGet(url, { ...options, headers: { accept: 'application/json' } });
  if (!answer.response.ok) {
    await answer.cancel();
    throw statusError(url, answer, options.token !== undefined);
  }
  const parsed = schema.safeParse(parseJson(url, await boundedText(url, answer)));
  const issue = parsed.error?.issues[0];
  if (parsed.data === undefined) throw hubErrors.badAnswer({ url: shownUrl(url), problem: `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim() });
  return { value: parsed.data, next: nextPage(url, answer.header('link')) };
}

async function boundedText(url: string, answer: WebAnswer): Promise<string> {
  const chunks: Uint8Array[] = [];
  let lengthBytes = 0;
  for await (const chunk of answer.body()) {
    lengthBytes += chunk.length;
    if (lengthBytes > WEB_LIMITS.maxJsonBytes) throw hubErrors.badAnswer({ url: shownUrl(url), problem: `more than ${WEB_LIMITS.maxJsonBytes} bytes` });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(url: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw hubErrors.badAnswer({ url: shownUrl(url), problem: 'no JSON' }, error);
  }
}

// RFC 8288. A page elsewhere would be asked with this hub's token in mind: only the same origin counts.
function nextPage(url: string, link: string | undefined): string | undefined {
  const target = /<([^<>]{1,2048})>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, url)) return undefined;
  const next = new URL(target, url);
  return next.origin === new URL(url).origin ? next.href : undefined;
}
