import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import { en } from './en/index.ts';
import { pseudo } from './pseudo.ts';

type Widened<T> = T extends string ? string : T extends (...args: infer A) => string ? (...args: A) => string : { readonly [K in keyof T]: Widened<T[K]> };

/** What a language file holds: texts, and functions where a text has values in it (each language has its own plurals and order). */
export type Texts = Widened<typeof en>;

/** `en-XA` is not offered to anybody: tests put the page into it to find texts that are in no language file. */
export const LANGUAGES = { en, 'en-XA': pseudo(en) } as const satisfies Record<string, Texts>;
export type Language = keyof typeof LANGUAGES;
/** What a reader can choose. */
export const OFFERED = ['en'] as const satisfies readonly Language[];

export const isLanguage = (code: string): code is Language => Object.hasOwn(LANGUAGES, code);

export const language = createStore<{ readonly code: Language }>(() => ({ code: 'en' }));

/** The texts of the language that the page is in. */
export const useTexts = (): Texts => useStore(language, ({ code }) => LANGUAGES[code]);

/** The same outside a component. The page is drawn anew when its language changes, so that what was written with it does not stay. */
export const texts = (): Texts => LANGUAGES[language.getState().code];

/** How numbers and dates are written: as the reader's browser does where it speaks the page's language ("en-GB"), else as the language does. */
export function locale(): string {
  const { code } = language.getState();
  const own = globalThis.navigator?.language ?? code;
  return own.split('-')[0] === code.split('-')[0] ? own : code;
}

const formats = new Map<string, Intl.NumberFormat>();

/** "1,234.5"; with so many digits after the point, no more and no fewer. A bigint is written exactly. */
export function formatNumber(value: number | bigint, digits = 0): string {
  const key = `${locale()} ${digits}`;
  const format = formats.get(key) ?? new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
  formats.set(key, format);
  return format.format(value);
}

export const formatTime = (unixMs: number, options: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'short' }): string => new Date(unixMs).toLocaleString(locale(), options);
