import type { Reading } from '../../src-preload/bridge/index.ts';
import type { FileText } from './attachment-table.ts';
import { chatsErrors } from './errors.ts';
import { cutPassages, joinPassages, type Passage } from './passages.ts';
import type { ModelReader } from './ports.ts';

/** A passage is so small that about this many fit together, within the bounds of what says something and what can be embedded. */
const PASSAGES_IN_ROOM = 6;
const PASSAGE_CHARS = { least: 240, most: 1_200 } as const;

export interface FitFiles {
  readonly reader: ModelReader;
  /** Of all questions of the branch, the last one's first. */
  readonly files: readonly FileText[];
  /** How many of them the last question has itself. */
  readonly own: number;
  readonly question: string;
  /** Tokens that they may take. */
  readonly room: number;
  readonly signal: AbortSignal;
  /** Passages are being chosen, which takes its time. */
  readonly onReading: () => void;
}

export interface FittedFiles {
  /** As the model reads them. */
  readonly texts: readonly string[];
  readonly tokens: number;
  readonly readings: readonly Reading[];
}

interface Costed {
  readonly file: FileText;
  readonly tokens: number;
}

/** Whole files where they fit; else the passages that fit the question best, or, without an embedding model, the files of the question itself. Throws CHATS_TOO_LONG. */
export async function fitFiles(init: FitFiles): Promise<FittedFiles> {
  const { reader, files, own, room } = init;
  const costed: Costed[] = [];
  for (const file of files) costed.push({ file, tokens: await reader.count(wholeText(file)) });
  if (sum(costed) <= room) return { texts: costed.map(({ file }) => wholeText(file)), tokens: sum(costed), readings: [] };
  if (reader.rank !== undefined) return fitPassages(init, costed);
  if (sum(costed.slice(0, own)) > room) throw chatsErrors.tooLong({ tokens: sum(costed.slice(0, own)), room: Math.max(0, room) });
  const whole = takeWhile(costed, room);
  return { texts: whole.map(({ file }) => wholeText(file)), tokens: sum(whole), readings: costed.slice(whole.length).map(({ file }) => ({ name: file.name, passages: 0, of: cutPassages(file.text, PASSAGE_CHARS.most).length })) };
}

interface Ranked {
  readonly one: Costed;
  readonly passage: Passage;
  readonly tokens: number;
}

async function fitPassages({ reader, question, room, signal, onReading }: FitFiles, costed: readonly Costed[]): Promise<FittedFiles> {
  onReading();
  const whole = smallOnes(costed, room);
  const long = costed.filter((one) => !whole.includes(one));
  const left = room - sum(whole);
  const candidates = long.flatMap((one) => candidatesOf(one, left));
  const scores = await reader.rank?.(question, candidates.map(({ one, passage }) => one.file.text.slice(passage.start, passage.end)), signal) ?? [];
  const ranked = candidates.map((candidate, index) => ({ candidate, score: scores[index] ?? 0 })).toSorted((a, b) => b.score - a.score).map(({ candidate }) => candidate);
  let chosen = takeWhile(ranked, left);
  for (;;) {
    if (chosen.length === 0) throw chatsErrors.tooLong({ tokens: sum(costed), room: Math.max(0, room) });
    const parts = long.map(({ file }) => passagesText(file, { chosen, candidates }));
    const texts = [...whole.map(({ file }) => wholeText(file)), ...parts.flatMap(({ text }) => (text === undefined ? [] : [text]))];
    const tokens = await reader.count(texts.join('\n\n'));
    // What one passage takes was a share of its file; the worst ones go until it is so indeed.
    if (tokens <= room) return { texts, tokens, readings: parts.map(({ reading }) => reading) };
    chosen = chosen.slice(0, -1);
  }
}

/** Files so short that cutting them would make room for nothing. */
function smallOnes(costed: readonly Costed[], room: number): Costed[] {
  const small: Costed[] = [];
  for (const one of costed.toSorted((a, b) => a.tokens - b.tokens)) if (one.tokens <= (room - sum(small)) / (costed.length - small.length + 1)) small.push(one);
  return small;
}

function candidatesOf(one: Costed, room: number): Ranked[] {
  const charsPerToken = one.file.text.length / Math.max(1, one.tokens);
  const size = Math.round(Math.min(PASSAGE_CHARS.most, Math.max(PASSAGE_CHARS.least, (room * charsPerToken) / PASSAGES_IN_ROOM)));
  return cutPassages(one.file.text, size).map((passage) => ({ one, passage, tokens: Math.ceil((passage.end - passage.start) / charsPerToken) }));
}

function passagesText(file: FileText, { chosen, candidates }: { readonly chosen: readonly Ranked[]; readonly candidates: readonly Ranked[] }): { text: string | undefined; reading: Reading } {
  const [mine, of] = [chosen, candidates].map((list) => list.filter(({ one }) => one.file === file).map(({ passage }) => passage));
  const reading = { name: file.name, passages: mine?.length ?? 0, of: of?.length ?? 0 };
  return { text: reading.passages === 0 ? undefined : fenced(`Parts of the file ${quoted(file.name)}; […] stands for what is left out:`, joinPassages(file.text, mine ?? [])), reading };
}

const wholeText = ({ name, text }: FileText): string => fenced(`The file ${quoted(name)}:`, text);

const quoted = (name: string): string => `"${inert(name).replaceAll('"', "'")}"`;

/** A fence that the text cannot close (CommonMark 0.31, section 4.5). */
function fenced(title: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${title}\n${fence}\n${inert(text).replace(/\n+$/, '')}\n${fence}`;
}

/** A file must not end the question with a model's own marks, such as <|im_end|>. */
const inert = (text: string): string => text.replaceAll('<|', '< |').replaceAll('|>', '| >');

const sum = (list: ReadonlyArray<{ readonly tokens: number }>): number => list.reduce((total, { tokens }) => total + tokens, 0);

function takeWhile<T extends { readonly tokens: number }>(list: readonly T[], room: number): T[] {
  let left = room;
  const end = list.findIndex(({ tokens }) => (left -= tokens) < 0);
  return list.slice(0, end < 0 ? list.length : end);
}
