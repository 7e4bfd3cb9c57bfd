import { RingLog } from './ring-log.ts';
import { scrubText, scrubValue } from './scrub.ts';
import { Events, type Unsubscribe } from './events.ts';

export type LineLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogLine {
  /** Grows by one from line to line. */
  readonly seq: number;
  /** Unix ms. */
  readonly atMs: number;
  readonly level: LineLevel;
  readonly message: string;
  /** What was told besides, as JSON; empty when nothing was. */
  readonly details: string;
}

export interface LineQuery {
  /** Only lines after this one. */
  readonly afterSeq?: number;
  /** This level and graver ones. */
  readonly level?: LineLevel;
  /** In message or details, in any case. */
  readonly text?: string;
  /** Newest lines; older ones are left out. */
  readonly limit?: number;
}

export const LINE_LIMITS = { lines: 2_000, messageChars: 1_000, detailChars: 2_000 } as const;
const ORDER: readonly LineLevel[] = ['debug', 'info', 'warn', 'error'];
/** pino's numbers. */
const LEVELS: Readonly<Record<number, LineLevel>> = { 10: 'debug', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'error' };

/** The newest lines of a log, in memory, without secrets and without what was said in chats. A destination for `createLogger`. */
export class LogLines {
  readonly #ring = new RingLog<LogLine>(LINE_LIMITS.lines);
  readonly #events = new Events<{ added: number }>();
  readonly #known: () => readonly string[];
  #seq = 0;

  /** `known`: texts that must not be in a line, whatever stands around them; asked for each, as a secret may come later. */
  constructor(known: () => readonly string[] = () => []) {
    this.#known = known;
  }

  get lastSeq(): number {
    return this.#seq;
  }

  /** One JSON line of pino. What is none is kept as a text. */
  write(json: string): void {
    const { level, time, msg, pid: _pid, hostname: _hostname, ...rest } = objectOf(json);
    this.#seq += 1;
    const details = Object.keys(rest).length === 0 ? '' : JSON.stringify(scrubValue(rest, this.#known()));
    this.#ring.push({
      seq: this.#seq, atMs: typeof time === 'number' ? time : Date.now(), level: LEVELS[Number(level)] ?? 'info',
      message: scrubText(String(msg ?? ''), this.#known()).slice(0, LINE_LIMITS.messageChars), details: details.slice(0, LINE_LIMITS.detailChars),
    });
    this.#events.emit('added', this.#seq);
  }

  /** Oldest first. */
  lines({ afterSeq = 0, level = 'debug', text = '', limit = LINE_LIMITS.lines }: LineQuery = {}): readonly LogLine[] {
    const [least, wanted] = [ORDER.indexOf(level), text.toLowerCase()];
    const isAsked = (line: LogLine): boolean => line.seq > afterSeq && ORDER.indexOf(line.level) >= least && (wanted === '' || `${line.message} ${line.details}`.toLowerCase().includes(wanted));
    return this.#ring.toArray().filter(isAsked).slice(-limit);
  }

  onAdded(listener: (lastSeq: number) => void): Unsubscribe {
    return this.#events.on('added', listener);
  }
}

function objectOf(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : { msg: json };
  } catch {
    return { msg: json };
  }
}
