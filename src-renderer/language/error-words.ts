import type { WireError } from '../../src-preload/bridge/index.ts';
import { MissingValue } from './error-values.ts';
import { texts, type Texts } from './index.ts';

/** What is told of an error; without `meta` it is not one of the node's, whatever its code. */
export type TellableError = Pick<WireError, 'code' | 'message' | 'next'> & { readonly meta?: WireError['meta'] };

export interface ErrorWords {
  readonly message: string;
  readonly next: string | undefined;
  /** In the page's language; else in English, by the node. */
  readonly isTranslated: boolean;
}

type Text = string | ((meta: never) => string);
/** As language files have them, by code. */
export type ErrorTexts = Readonly<Record<string, { readonly message: Text; readonly next?: Text }>>;

/** An error in the words of the page's language where its file has the code and the error all values for them; else in the node's own. */
export function errorWords(error: TellableError, own: ErrorTexts = (texts() satisfies Texts).errors): ErrorWords {
  const { code, message, next, meta } = error;
  const entry = Object.hasOwn(own, code) ? own[code] : undefined;
  try {
    if (entry !== undefined && meta !== undefined) return { message: filled(entry.message, meta), next: entry.next === undefined ? next : filled(entry.next, meta), isTranslated: true };
  } catch (reason) {
    if (!(reason instanceof MissingValue)) throw reason;
  }
  return { message, next, isTranslated: false };
}

function filled(text: Text, meta: WireError['meta']): string {
  return typeof text === 'string' ? text : text(new Proxy(meta, { get: valueOf }) as never);
}

/** Another version of the node may give other values. */
function valueOf(meta: WireError['meta'], name: string | symbol): string | number | boolean {
  const value = typeof name === 'string' && Object.hasOwn(meta, name) ? meta[name] : undefined;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw new MissingValue(String(name));
}
