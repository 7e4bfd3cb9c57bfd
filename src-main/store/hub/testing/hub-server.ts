import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What one request to the storage gets instead of the right bytes. */
export type Spoil =
  /** Part of the bytes, then the connection breaks. */
  | { readonly kind: 'break'; readonly afterBytes: number }
  /** Part of the bytes, then silence. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  | { readonly kind: 'flip' }
  | { readonly kind: 'extra' }
  | { readonly kind: 'range'; readonly value: string }
  | { readonly kind: 'whole' };

export interface StoredRequest {
  readonly path: string;
  readonly range: string;
  readonly authorization: string | undefined;
}

export interface HubRepo {
  readonly files: Readonly<Record<string, Buffer>>;
  readonly license?: string;
  /** Only with this token. */
  readonly token?: string;
}

/** Speaks enough of the API of huggingface.co, its storage on an origin of its own as there. */
export class HubServer {
  readonly repos = new Map<string, HubRepo>();
  /** Range requests that reached the storage, in order. */
  readonly stored: StoredRequest[] = [];
  /** Tokens that came to the hub itself. */
  readonly tokens: (string | undefined)[] = [];
  /** Asked for each request to the storage but those for the first byte alone. */
  spoil: (request: StoredRequest, index: number) => Spoil | undefined = () => undefined;
  commit = 'c'.repeat(40);
  pageFiles = 1_000;
  readonly #hub: Server;
  readonly #storage: Server;

  private constructor() {
    this.#hub = createServer((request, response) => this.#answer(request, response));
    this.#storage = createServer((request, response) => this.#serve(request, response));
  }

  static async start(): Promise<HubServer> {
    const server = new HubServer();
    for (const one of [server.#hub, server.#storage]) {
      one.listen(0, '127.0.0.1');
      await once(one, 'listening');
    }
    return server;
  }

  get url(): string {
    return originOf(this.#hub);
  }

  get storageUrl(): string {
    return originOf(this.#storage);
  }

  async stop(): Promise<void> {
    for (const one of [this.#hub, this.#storage]) {
      one.closeAllConnections();
      await new Promise((resolve) => one.close(resolve));
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.tokens.push(request.headers.authorization);
    const url = new URL(request.url ?? '/', this.url);
    const [, repoName = '', view = ''] = /^\/(?:api\/models\/)?([\w.-]+\/[\w.-]+)(?:\/(tree|resolve))?/.exec(url.pathname) ?? [];
    if (url.pathname === '/api/models') return json(response, this.#search(url));
    const repo = this.repos.get(repoName);
    if (repo === undefined) return void response.writeHead(401, { 'x-error-code': 'RepoNotFound' }).end();
    if (repo.token !== undefined && request.headers.authorization !== `Bearer ${repo.token}`) return void response.writeHead(401, { 'x-error-code': 'GatedRepo' }).end();
    if (view === 'tree') return this.#tree(repo, url, response);
    this.#resolve(repo, { repoName, url }, response);
  }

  #search(url: URL): unknown[] {
    const words = (url.searchParams.get('search') ?? '').toLowerCase();
    const found = [...this.repos].filter(([name]) => name.toLowerCase().includes(words));
    return found.slice(0, Number(url.searchParams.get('limit'))).map(([id, repo], index) => ({
      _id: String(index), id, downloads: 1000 - index, likes: 5, gated: repo.token === undefined ? false : 'manual', private: false,
      tags: ['gguf', ...(repo.license === undefined ? [] : [`license:${repo.license}`])],
    }));
  }

  #tree(repo: HubRepo, url: URL, response: ServerResponse): void {
    const start = Number(url.searchParams.get('cursor') ?? '0');
    const all = Object.entries(repo.files);
    const page = all.slice(start, start + this.pageFiles).map(([path, bytes]) => ({ type: 'file', path, oid: 'a'.repeat(40), size: bytes.length, lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 } }));
    const next = new URL(url);
    next.searchParams.set('cursor', String(start + this.pageFiles));
    if (start + this.pageFiles < all.length) response.setHeader('link', `<${next.href}>; rel="next"`);
    json(response, [{ type: 'directory', path: 'folder', oid: 'b'.repeat(40), size: 0 }, ...page]);
  }

  #resolve(repo: HubRepo, { repoName, url }: { repoName: string; url: URL }, response: ServerResponse): void {
    const path = decodeURIComponent(url.pathname.split('/').slice(5).join('/'));
    const bytes = repo.files[path];
    if (bytes === undefined) return void response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    response.writeHead(302, {
      location: `${this.storageUrl}/${repoName}/${encodeURIComponent(path)}?signature=secret`, 'x-linked-etag': `"${sha256(bytes)}"`, 'x-linked-size': String(bytes.length), 'x-repo-commit': this.commit,
    }).end('Found');
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const [, owner = '', name = '', path = ''] = new URL(request.url ?? '/', this.storageUrl).pathname.split('/').map(decodeURIComponent);
    const bytes = this.repos.get(`${owner}/${name}`)?.files[path];
    if (bytes === undefined) return void response.writeHead(404).end();
    const stored = { path, range: request.headers.range ?? '', authorization: request.headers.authorization };
    const spoil = stored.range === 'bytes=0-0' ? undefined : this.spoil(stored, this.stored.push(stored) - 1);
    send(response, { bytes, range: stored.range, spoil });
  }
}

const originOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const hashes = new WeakMap<Buffer, string>();

function sha256(bytes: Buffer): string {
  const hash = hashes.get(bytes) ?? createHash('sha256').update(bytes).digest('hex');
  hashes.set(bytes, hash);
  return hash;
}

const json = (response: ServerResponse, value: unknown): void => void response.setHeader('content-type', 'application/json').end(JSON.stringify(value));

function send(response: ServerResponse, { bytes, range, spoil }: { bytes: Buffer; range: string; spoil: Spoil | undefined }): void {
  const [, first = '0', last = String(bytes.length - 1)] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  const body = Buffer.from(bytes.subarray(Number(first), Number(last) + 1));
  const partly = (value = `bytes ${first}-${last}/${bytes.length}`): ServerResponse => response.writeHead(206, { 'content-range': value, etag: '"storage"' });
  switch (spoil?.kind) {
    case 'status': return void response.writeHead(spoil.status, spoil.retryAfter === undefined ? {} : { 'retry-after': spoil.retryAfter }).end();
    case 'whole': return void response.writeHead(200).end(bytes);
    case 'range': return void partly(spoil.value).end(body);
    case 'extra': return void partly().end(Buffer.concat([body, body]));
    case 'stall': return void partly().write(body.subarray(0, spoil.afterBytes));
    case 'break': return void partly().write(body.subarray(0, spoil.afterBytes), () => response.destroy());
    case 'flip': body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1; break;
    case undefined:
  }
  partly().end(body);
}
