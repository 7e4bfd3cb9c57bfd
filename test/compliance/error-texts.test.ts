import { afterEach, describe, expect, it } from 'vitest';
import { apiErrors } from '../../src-main/api/errors.ts';
import type { CodedError } from '../../src-main/base/index.ts';
import { chatsErrors } from '../../src-main/chats/errors.ts';
import { documentErrors } from '../../src-main/documents/index.ts';
import { hostErrors } from '../../src-main/host/errors.ts';
import { zoneErrors } from '../../src-main/mesh/zone/errors.ts';
import { pipelineErrors } from '../../src-main/pipeline/errors.ts';
import { hubErrors } from '../../src-main/store/hub/errors.ts';
import { bridgeErrors, type WireError } from '../../src-preload/bridge/index.ts';
import { errorWords } from '../../src-renderer/language/error-words.ts';
import { language, LANGUAGES } from '../../src-renderer/language/index.ts';

/** One error of each code that language files have, as the node makes it. */
const made: readonly CodedError[] = [
  apiErrors.internal({}), apiErrors.rateLimited({}), apiErrors.tooManyDownloads({ limit: 3 }), apiErrors.tooManyKeys({ limit: 100 }),
  chatsErrors.answering({}), chatsErrors.busy({ limit: 4 }), chatsErrors.tooLong({ tokens: 12_345, room: 678 }),
  documentErrors.badEncoding({ encoding: 'UTF-8' }), documentErrors.empty({}), documentErrors.notText({}), documentErrors.pdfDamaged({}), documentErrors.pdfEncrypted({}), documentErrors.pdfTooManyPages({ pages: 3_000, limit: 2_000 }),
  hostErrors.answering({}), hostErrors.blocksItself({ subject: '127.0.0.1' }), hostErrors.checkGone({ check: 'c' }), hostErrors.linkGone({}), hostErrors.lookupStopped({}), hostErrors.modelExists({ name: 'a.gguf' }),
  hostErrors.modelInUse({ model: 'tiny' }), hostErrors.noDocument({ id: 'x' }), hostErrors.noPipeline({}), hostErrors.noSuchAnswer({}), hostErrors.nobodyServes({ model: 'tiny' }), hostErrors.notRemovable({ model: 'tiny' }),
  hostErrors.settingFixed({ key: 'zone' }), hostErrors.switching({ model: 'tiny' }), hostErrors.uploadBusy({ limit: 4 }), hostErrors.uploadGone({}),
  hubErrors.cancelled({ name: 'a.gguf' }), hubErrors.noModelFiles({ repo: 'a/b' }), hubErrors.notFound({ url: 'https://example.org/a' }),
  pipelineErrors.cancelled({}), pipelineErrors.promptTooLong({ promptTokens: 5_000, contextTokens: 4_096 }),
  zoneErrors.badSubject({ subject: 'who' }), zoneErrors.bansFull({ limit: 1_000 }), zoneErrors.bansUnreadable({ path: '/home/bans.json' }),
];
const wires: readonly WireError[] = [...made.map((error) => error.toWire()), bridgeErrors.answerLost().wire, bridgeErrors.disconnected().wire];

afterEach(() => language.setState({ code: 'en' }));

describe('errors in the words of a language', () => {
  it('have every code of the language files, each of an error that there is', () => {
    expect(wires.map(({ code }) => code).toSorted()).toEqual(Object.keys(LANGUAGES.en.errors).toSorted());
  });

  it.each(wires)('name only values that the error has, in every language, and in English say what the node says: $code', (wire) => {
    for (const own of Object.values(LANGUAGES)) expect(errorWords(wire, own.errors)).toMatchObject({ isTranslated: true, next: expect.any(String) });
    expect(errorWords(wire)).toEqual({ message: wire.message, next: wire.next, isTranslated: true });
  });

  it('are those of the page', () => {
    language.setState({ code: 'en-XA' });
    const { message, isTranslated } = errorWords(chatsErrors.busy({ limit: 4 }).toWire());
    expect([message, isTranslated]).toEqual([expect.stringMatching(/^⟦4 [^a-zA-Z]+⟧$/), true]);
  });

  it.each([
    ['a code that is in no file', { code: 'CHATS_FULL' }], ['the name of something that all objects have', { code: 'toString' }], ['a value that lacks', { meta: {} }],
    ['no values at all', { code: 'CHATS_ANSWERING', meta: undefined }], ['a value that is none', { meta: { limit: { toString: 'x' } } }], ['a value that is not its own', { meta: Object.create({ limit: 4 }) as Record<string, unknown> }],
  ])('are the node’s own for %s', (_what, change) => {
    const { meta, ...rest } = { ...chatsErrors.busy({ limit: 4 }).toWire(), ...change };
    expect(errorWords({ ...rest, ...(meta === undefined ? {} : { meta }) })).toEqual({ message: '4 answers are already being written', next: 'Stop one of them or wait until it is done.', isTranslated: false });
  });
});
