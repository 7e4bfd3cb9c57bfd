import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { apiErrors } from '../errors.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.woff2': 'font/woff2', '.json': 'application/json',
};

export interface Asset {
  readonly body: Buffer;
  readonly contentType: string;
  readonly etag: string;
  /** Files that the bundler names by their hash never change; the page itself must be asked for each time. */
  readonly cacheControl: string;
}

/** By URL path, e.g. `/assets/index-3f2a.js`. */
export type Assets = ReadonlyMap<string, Asset>;

/**
 * Reads the built page into memory (a few hundred KB). A request is then a look-up by exact
 * path: no file is ever opened for a path that came from outside.
 */
export async function loadAssets(folder: string): Promise<Assets> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && TYPES[extname(entry.name)] !== undefined);
  const loaded = await Promise.all(files.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return [`/${relative(folder, path).split(sep).join('/')}`, toAsset(path, await readFile(path))] as const;
  }));
  const assets = new Map(loaded);
  const page = assets.get('/index.html');
  if (page === undefined) throw apiErrors.pageMissing({ folder });
  return assets.set('/', page);
}

function toAsset(path: string, body: Buffer): Asset {
  const isHashed = path.includes(`${sep}assets${sep}`);
  return {
    body,
    contentType: TYPES[extname(path)] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    cacheControl: isHashed ? 'public, max-age=31536000, immutable' : 'no-store',
  };
}
