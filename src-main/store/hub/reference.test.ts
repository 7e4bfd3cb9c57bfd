import { resolve } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partName, partsOf } from '../gguf/parts.ts';
import { isPlainPath, parseReference } from './reference.ts';

const HUB = 'https://huggingface.co';

describe('parseReference', () => {
  it.each<[string, object]>([
    ['hf:Qwen/Qwen3-8B-GGUF', { kind: 'hub', repo: 'Qwen/Qwen3-8B-GGUF', revision: 'main' }],
    ['hf://Qwen/Qwen3-8B-GGUF', { kind: 'hub', repo: 'Qwen/Qwen3-8B-GGUF', revision: 'main' }],
    ['hf:a/b:Q4_K_M', { kind: 'hub', repo: 'a/b', revision: 'main', variant: 'Q4_K_M' }],
    ['hf:a/b@v1.0:Q8_0', { kind: 'hub', repo: 'a/b', revision: 'v1.0', variant: 'Q8_0' }],
    ['hf:a/b@abc/dir/m.gguf', { kind: 'hub', repo: 'a/b', revision: 'abc', file: 'dir/m.gguf' }],
    ['https://huggingface.co/a/b', { kind: 'hub', repo: 'a/b', revision: 'main' }],
    ['https://huggingface.co/a/b/tree/dev', { kind: 'hub', repo: 'a/b', revision: 'dev' }],
    ['https://huggingface.co/a/b/blob/main/d/m.gguf', { kind: 'hub', repo: 'a/b', revision: 'main', file: 'd/m.gguf' }],
    ['https://huggingface.co/a/b/resolve/main/m%20x.gguf?download=true', { kind: 'hub', repo: 'a/b', revision: 'main', file: 'm x.gguf' }],
    ['https://example.org/m.gguf?x=1', { kind: 'url', url: 'https://example.org/m.gguf?x=1' }],
    ['models/m.gguf', { kind: 'file', path: resolve('models/m.gguf') }],
  ])('%s', (text, expected) => {
    expect(parseReference(text, HUB)).toEqual(expected);
  });

  it.each([
    '', 'hf:', 'hf:a', 'hf:a/', 'hf:../b', 'hf:a/..', 'hf:a/b/', 'hf:a/b/../m.gguf', 'hf:a/b//m.gguf', 'hf:a/b/m.bin', 'hf:a/b/.gguf', 'hf:a/b@/m.gguf', 'hf:a/b:', 'hf:a/b:Q4/m.gguf',
    'hf:a/b/x\\..\\m.gguf', 'hf:a/b/x\u0000.gguf', 'ftp://h/m.gguf', 'https://user:secret@h/m.gguf', 'https://huggingface.co/a', 'https://huggingface.co/a/b/blob/main/..%2f..%2fm.gguf',
    'https://huggingface.co/a/b/blob/main/%zz.gguf', `hf:a/${'b'.repeat(3000)}`,
  ])('refuses %j', (text) => {
    expect(() => parseReference(text, HUB)).toThrow(expect.objectContaining({ code: 'HUB_BAD_REFERENCE', fault: 'user' }));
  });

  it('never gives a hub path that could lead out of a folder', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '.', '/', '\\', '@', ':', '%', '2', 'f', ' ', '.gguf', 'hf:', '..') , maxLength: 30 }), (text) => {
      const parsed = attempt(() => parseReference(`hf:o/r/${text}`, HUB));
      if (parsed?.kind !== 'hub' || parsed.file === undefined) return;
      expect(isPlainPath(parsed.file)).toBe(true);
      expect(resolve('/models', parsed.file).startsWith('/models/')).toBe(true);
    }), { seed: 4, numRuns: 2000 });
  });
});

it('keeps a password out of the message', () => {
  expect(() => parseReference('https://user:secret@h/m.gguf', HUB)).not.toThrow(/secret/);
});

describe('parts', () => {
  it('names all files of a model', () => {
    expect(partsOf('d/m-00002-of-00003.gguf')).toEqual(['d/m-00001-of-00003.gguf', 'd/m-00002-of-00003.gguf', 'd/m-00003-of-00003.gguf']);
    expect(partsOf('d/m.gguf')).toEqual(['d/m.gguf']);
    expect(partName('m-00002-of-00003.gguf')).toEqual({ stem: 'm', part: 2, parts: 3 });
  });

  it.each(['m-00000-of-00003.gguf', 'm-00004-of-00003.gguf', 'm-00001-of-99999.gguf', 'm-1-of-3.gguf'])('takes %s for a model of its own', (name) => {
    expect(partName(name)).toBeUndefined();
  });
});

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
