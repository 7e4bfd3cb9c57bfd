import { multistream, pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'> & { child(bindings: object): Logger };

/** Keys whose values never reach a log, whatever object they are in. */
export const SECRET_KEYS = ['token', 'privateKey', 'secret', 'password', 'mnemonic', 'authorization'] as const;

const redact = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

/** JSON lines on stderr by default: stdout belongs to a command's answer. `lines` keeps them from `info` on, whatever `level` says. */
export function createLogger(level: LogLevel, destination: DestinationStream = pino.destination({ dest: 2, sync: true }), lines?: DestinationStream): Logger {
  const options = { redact: { paths: redact, censor: '[secret]' }, base: { pid: process.pid } };
  if (lines === undefined) return pino({ level, ...options }, destination);
  const kept = level === 'debug' ? level : 'info';
  const streams = [{ level: kept, stream: lines } as const, ...(level === 'silent' ? [] : [{ level, stream: destination } as const])];
  return pino({ level: kept, ...options }, multistream(streams));
}

export const silentLogger: Logger = createLogger('silent');
