import { multistream, pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'> & { child(bindings: object): Logger };

/** Keys whose values never reach a log, whatever object they are in. */
export const SECRET_KEYS = ['token', 'privateKey', 'secret', 'password', 'mnemonic', 'authorization'] as const;

const redact = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

/** pino's numbers. */
const RANKS: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50, silent: Infinity };
const rankOf = (line: string): number => Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? RANKS.error);

/** JSON lines on stderr by default: stdout belongs to a command's answer. `lines` keeps them from `info` on, whatever `level` says; asked for each line where it is a function. */
export function createLogger(level: LogLevel | (() => LogLevel), destination: DestinationStream = pino.destination({ dest: 2, sync: true }), lines?: DestinationStream): Logger {
  const options = { redact: { paths: redact, censor: '[secret]' }, base: { pid: process.pid } };
  if (typeof level === 'function') return pino({ level: 'debug', ...options }, asTold(level, destination, lines));
  if (lines === undefined) return pino({ level, ...options }, destination);
  const kept = level === 'debug' ? level : 'info';
  const streams = [{ level: kept, stream: lines } as const, ...(level === 'silent' ? [] : [{ level, stream: destination } as const])];
  return pino({ level: kept, ...options }, multistream(streams));
}

const asTold = (level: () => LogLevel, destination: DestinationStream, lines: DestinationStream | undefined): DestinationStream => ({
  write: (line) => {
    const [rank, least] = [rankOf(line), RANKS[level()]];
    if (rank >= Math.min(RANKS.info, least)) lines?.write(line);
    if (rank >= least) destination.write(line);
  },
});

export const silentLogger: Logger = createLogger('silent');
