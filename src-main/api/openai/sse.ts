import { Readable } from 'node:stream';

/** A sign of life: clients skip lines that begin with a colon. */
const KEEP_ALIVE = ': waiting\n\n';

export const eventText = (data: object | '[DONE]', name?: string): string => `${name === undefined ? '' : `event: ${name}\n`}data: ${data === '[DONE]' ? data : JSON.stringify(data)}\n\n`;

/**
 * Texts as a stream that is read no faster than its reader reads, with a sign of life where nothing comes for `keepAliveMs`.
 * A reader who goes ends the texts.
 */
export function textStream(texts: AsyncGenerator<string>, keepAliveMs: number): Readable {
  return Readable.from(withSigns(texts, keepAliveMs), { objectMode: false });
}

async function* withSigns(texts: AsyncGenerator<string>, keepAliveMs: number): AsyncGenerator<string> {
  try {
    for (let next = texts.next(); ; next = texts.next()) {
      let result = await within(next, keepAliveMs);
      while (result === undefined) {
        yield KEEP_ALIVE;
        result = await within(next, keepAliveMs);
      }
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    // Not waited for: it ends when what it waits for does.
    void texts.return(undefined).catch(() => undefined);
  }
}

/** Undefined when it took longer. */
async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), timeoutMs);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}
