import { describe, expect, it } from 'vitest';
import { CodedError, defineErrors, isCoded, spec, toCoded } from './errors.ts';

const errors = defineErrors('GGUF', {
  badMagic: spec<{ found: string }>({ fault: 'user', message: (m) => `found ${m.found}`, next: 'Choose a GGUF file.' }),
});

describe('defineErrors', () => {
  it('derives the code from prefix and key', () => {
    const error = errors.badMagic({ found: 'PK' });
    expect(error).toMatchObject({ code: 'GGUF_BAD_MAGIC', message: 'found PK', next: 'Choose a GGUF file.', fault: 'user' });
  });

  it('survives the wire without stack or cause', () => {
    const wire = errors.badMagic({ found: 'PK' }, new Error('inner')).toWire();
    expect(JSON.parse(JSON.stringify(wire))).toEqual(wire);
    expect(Object.keys(wire)).not.toContain('cause');
    expect(CodedError.fromWire(wire).code).toBe('GGUF_BAD_MAGIC');
  });
});

describe('toCoded', () => {
  it('keeps coded errors and wraps the rest', () => {
    const coded = errors.badMagic({ found: 'PK' });
    expect(toCoded(coded)).toBe(coded);
    const wrapped = toCoded(new TypeError('x'));
    expect(wrapped.code).toBe('INTERNAL');
    expect(wrapped.cause).toBeInstanceOf(TypeError);
    expect(isCoded(wrapped, 'GGUF_BAD_MAGIC')).toBe(false);
  });
});
