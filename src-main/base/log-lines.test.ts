import { expect, it } from 'vitest';
import { createLogger, LINE_LIMITS, LogLines, scrubText, type LogLevel } from './index.ts';

const NOWHERE = { write: () => undefined };

it('keeps the newest lines of a logger, from info on, whatever goes to stderr', () => {
  const lines = new LogLines();
  const shown: string[] = [];
  const logger = createLogger('warn', { write: (line: string) => void shown.push(line) }, lines);
  const told: number[] = [];
  lines.onAdded((seq) => told.push(seq));
  logger.debug('nobody sees this');
  logger.info({ peers: 3 }, 'met others');
  logger.child({ stage: 'a' }).warn('slow');
  expect(shown.map((line) => JSON.parse(line).msg)).toEqual(['slow']);
  expect(lines.lines()).toMatchObject([{ seq: 1, level: 'info', message: 'met others', details: '{"peers":3}' }, { seq: 2, level: 'warn', message: 'slow', details: '{"stage":"a"}' }]);
  expect(told).toEqual([1, 2]);
  for (let index = 0; index < LINE_LIMITS.lines + 5; index += 1) logger.info(`line ${index}`);
  expect(lines.lines()).toHaveLength(LINE_LIMITS.lines);
  expect(lines.lastSeq).toBe(LINE_LIMITS.lines + 7);
});

it('goes by a level that changes while it is there, in children made before too', () => {
  const lines = new LogLines();
  const shown: string[] = [];
  let level: LogLevel = 'warn';
  const logger = createLogger(() => level, { write: (line: string) => void shown.push(line) }, lines);
  const child = logger.child({ stage: 'a' });
  const say = (): void => {
    child.debug('small');
    child.info('usual');
    child.error('grave');
  };
  for (level of ['warn', 'debug', 'silent'] as const) say();
  expect(shown.map((line) => JSON.parse(line).msg)).toEqual(['grave', 'small', 'usual', 'grave']);
  expect(lines.lines().map(({ message }) => message)).toEqual(['usual', 'grave', 'small', 'usual', 'grave', 'usual', 'grave']);
});

it('finds lines by level, text and place, and bounds them', () => {
  const lines = new LogLines();
  const logger = createLogger('silent', NOWHERE, lines);
  logger.info('Alpha');
  logger.error({ why: 'ALPHA again' }, 'beta');
  logger.info('x'.repeat(5_000));
  expect(lines.lines({ text: 'alpha' }).map(({ seq }) => seq)).toEqual([1, 2]);
  expect(lines.lines({ level: 'warn' }).map(({ seq }) => seq)).toEqual([2]);
  expect(lines.lines({ afterSeq: 1, limit: 1 }).map(({ seq }) => seq)).toEqual([3]);
  expect(lines.lines()[2]?.message).toHaveLength(LINE_LIMITS.messageChars);
  lines.write('not JSON');
  expect(lines.lines().at(-1)).toMatchObject({ message: 'not JSON', details: '' });
});

it('keeps no secret and nothing that was said, wherever it stands', () => {
  const key = `omni_0123456789ab_${'Q'.repeat(43)}`;
  const link = `omni://join/${'abcdefgh234567'.repeat(18)}`;
  const planted = [key, link, 'hf_SecretOfTheHub123', 'ui-token-of-this-start', 'What is my diagnosis?', 'correct horse battery', 'QkZlcmF0aW9uVG9rZW4='];
  const lines = new LogLines(() => ['ui-token-of-this-start']);
  const logger = createLogger('silent', NOWHERE, lines);
  logger.warn(`refused ${key} at http://127.0.0.1:1/#key=ui-token-of-this-start`);
  logger.warn({ err: new Error(`cannot join ${link}`), headers: { authorization: 'Bearer QkZlcmF0aW9uVG9rZW4=' } }, 'failed');
  logger.info({ request: { messages: [{ role: 'user', content: 'What is my diagnosis?' }], prompt: 'What is my diagnosis?' }, deep: { er: { password: 'correct horse battery', hubToken: 'hf_SecretOfTheHub123' } } }, 'asked');
  logger.info({ env: 'HF_TOKEN=hf_SecretOfTheHub123', list: [[link]] }, 'started with ui-token-of-this-start');
  const all = JSON.stringify(lines.lines());
  for (const secret of planted) expect(all, secret).not.toContain(secret);
  expect(all).toContain('[secret]');
  expect(all).toContain('cannot join');
  expect(scrubText('tokens: 12, context of 1024 tokens, 41 tok/s')).toBe('tokens: 12, context of 1024 tokens, 41 tok/s');
});
