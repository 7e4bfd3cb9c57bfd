import { resolve } from 'node:path';
import { hubErrors } from './errors.ts';

/** What a user may name: a file or repository on the hub, an address, a file here. */
export type ModelReference =
  | {
    readonly kind: 'hub';
    /** `owner/name`. */
    readonly repo: string;
    /** Branch, tag or commit. */
    readonly revision: string;
    /** Path of a file in the repository. */
    readonly file?: string;
    /** Of several models the one with this in its name, e.g. `Q4_K_M`. */
    readonly variant?: string;
  }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'file'; readonly path: string };

const MAX_REFERENCE_CHARS = 2_048;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;
const REVISION = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;
/** What may become a name on this disk, on any system. */
const FORBIDDEN = /[\u0000-\u001f\u007f<>:"|?*\\]|^[. ]|[. ]$/;

/** A path made of plain names: nothing of it leads out of a folder or means something to a system. */
export const isPlainPath = (path: string): boolean =>
  path.length > 0 && path.length <= 512 && path.split('/').every((name) => name.length > 0 && name.length <= 200 && !FORBIDDEN.test(name));

/**
 * `hf:owner/repo`, `hf:owner/repo/file.gguf`, either with `@revision` after the repository; `hf:owner/repo:Q4_K_M`; an
 * http(s) address, where a page of the hub at `hubUrl` counts as what it shows; else a path. Throws HUB_BAD_REFERENCE.
 */
export function parseReference(text: string, hubUrl: string): ModelReference {
  if (text.length === 0 || text.length > MAX_REFERENCE_CHARS) throw bad(text, `a reference has 1 to ${MAX_REFERENCE_CHARS} characters`);
  if (text.startsWith('hf:')) return hubReference(text);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return webReference(text, hubUrl);
  return { kind: 'file', path: resolve(text) };
}

const bad = (text: string, problem: string): Error => hubErrors.badReference({ text: text.slice(0, 200), problem });

function hubReference(text: string): ModelReference {
  const [owner = '', second = '', ...rest] = text.slice(3).replace(/^\/\//, '').split('/');
  const [, name = '', revision, variant] = /^([^@:]*)(?:@([^:]*))?(?::(.*))?$/.exec(second) ?? [];
  if (!NAME.test(owner) || !NAME.test(name)) throw bad(text, 'a repository is OWNER/NAME');
  if (revision !== undefined && !REVISION.test(revision)) throw bad(text, 'a revision is a branch, tag or commit');
  const parsed = { kind: 'hub', repo: `${owner}/${name}`, revision: revision ?? 'main' } as const;
  if (variant !== undefined) {
    if (rest.length > 0 || !NAME.test(variant)) throw bad(text, 'a variant comes after the repository and is a word like Q4_K_M');
    return { ...parsed, variant };
  }
  if (rest.length === 0) return parsed;
  checkFile(text, rest.join('/'));
  return { ...parsed, file: rest.join('/') };
}

function checkFile(text: string, file: string): void {
  if (!isPlainPath(file) || !/\.gguf$/i.test(file)) throw bad(text, 'the file is no .gguf file');
}

function webReference(text: string, hubUrl: string): ModelReference {
  if (!URL.canParse(text)) throw bad(text, 'the address is not well formed');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw bad(text, `${url.protocol} is not supported`);
  if (url.username !== '' || url.password !== '') throw bad(text.replace(/\/\/.*@/, '//'), 'an address with a password is not taken');
  decoded(text, url.pathname);
  return url.origin === new URL(hubUrl).origin ? hubPage(text, url) : { kind: 'url', url: url.href };
}

function hubPage(text: string, url: URL): ModelReference {
  const parts = url.pathname.split('/').filter((part) => part !== '').map((part) => decoded(text, part));
  const [owner = '', name = '', view, revision = 'main', ...rest] = parts;
  if (!NAME.test(owner) || !NAME.test(name) || !REVISION.test(revision)) throw bad(text, 'it is no page of a model');
  const repo = `${owner}/${name}`;
  if (rest.length === 0 || view === 'tree') return { kind: 'hub', repo, revision };
  checkFile(text, rest.join('/'));
  return { kind: 'hub', repo, revision, file: rest.join('/') };
}

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    throw hubErrors.badReference({ text: text.slice(0, 200), problem: 'the address is not well formed' }, error);
  }
}
