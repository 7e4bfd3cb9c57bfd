import { expect, it } from 'vitest';
import { documentOrigin, DocumentWindows, type DocumentWindow } from './document-windows.ts';

const TICKET = 'A'.repeat(43);
const URL_OF = `http://127.0.0.1:4181/${TICKET}`;

class WindowDouble implements DocumentWindow {
  readonly done: string[] = [];
  readonly origin: string;
  readonly #fails: boolean;
  #closed: () => void = () => undefined;

  constructor(origin: string, fails = false) {
    this.origin = origin;
    this.#fails = fails;
  }

  load(url: string): Promise<void> {
    this.done.push(`load ${url}`);
    return this.#fails ? Promise.reject(new Error('ERR_CONNECTION_REFUSED')) : Promise.resolve();
  }

  show(): void {
    this.done.push('show');
  }

  close(): void {
    this.done.push('close');
    this.#closed();
  }

  onClosed(listener: () => void): void {
    this.#closed = listener;
  }
}

it('takes documents of this machine alone', () => {
  expect(documentOrigin(URL_OF)).toBe('http://127.0.0.1:4181');
  for (const url of ['', 'https://example.org/', `http://example.org:4181/${TICKET}`, `http://127.0.0.1.example.org:4181/${TICKET}`, `http://user@127.0.0.1:4181/${TICKET}`, `https://127.0.0.1:4181/${TICKET}`, `http://127.0.0.1/${TICKET}`, `file:///${TICKET}`, `${URL_OF}/x`, `${URL_OF}?x`, `${URL_OF}#x`, `javascript:${URL_OF}`, `http://localhost:4181/${TICKET}`]) {
    expect(() => documentOrigin(url)).toThrow(expect.objectContaining({ code: 'ELECTRON_NO_DOCUMENT' }));
  }
});

it('opens each once, brings it to the front when it is asked for again, and says when it is closed', async () => {
  const windows: WindowDouble[] = [];
  const documents = new DocumentWindows((origin) => windows[windows.push(new WindowDouble(origin)) - 1]!);
  const closed: string[] = [];
  await documents.open(URL_OF, () => closed.push('one'));
  await documents.open(URL_OF, () => closed.push('again'));
  await documents.open(`http://127.0.0.1:4181/${'B'.repeat(43)}`, () => closed.push('two'));
  expect(windows.map(({ origin, done }) => [origin, done])).toEqual([['http://127.0.0.1:4181', [`load ${URL_OF}`, 'show', 'show']], ['http://127.0.0.1:4181', [`load http://127.0.0.1:4181/${'B'.repeat(43)}`, 'show']]]);
  windows[0]?.close();
  expect(closed).toEqual(['one']);
  documents.closeAll();
  expect([closed, windows.map(({ done }) => done.filter((what) => what === 'close').length)]).toEqual([['one', 'two'], [1, 1]]);
  await documents.open(URL_OF, () => undefined);
  expect(windows.length).toBe(3);
});

it('that cannot be loaded is closed, which refuses what it would have shown', async () => {
  const closed: string[] = [];
  const documents = new DocumentWindows((origin) => new WindowDouble(origin, true));
  await expect(documents.open(URL_OF, () => closed.push('one'))).rejects.toMatchObject({ code: 'ELECTRON_NO_DOCUMENT' });
  expect(closed).toEqual(['one']);
});
