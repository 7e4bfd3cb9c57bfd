import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spokenInstead } from './version.ts';

describe('spokenInstead', () => {
  it('takes another minor or patch version of the same protocol', () => {
    expect(spokenInstead('/omni/stage/1.0.0', ['/omni/block/1.0.0', '/omni/stage/1.3.0'])).toEqual({ kind: 'compatible', protocol: '/omni/stage/1.3.0' });
    expect(spokenInstead('/omni/stage/1.3.0', ['/omni/stage/1.0.0'])).toEqual({ kind: 'compatible', protocol: '/omni/stage/1.0.0' });
    expect(spokenInstead('/omni/stage/1.0.0', ['/omni/stage/1.0.7'])).toEqual({ kind: 'compatible', protocol: '/omni/stage/1.0.7' });
  });

  it('takes the nearest of several, and the same major before another', () => {
    expect(spokenInstead('/omni/stage/1.4.0', ['/omni/stage/2.0.0', '/omni/stage/1.9.0', '/omni/stage/1.3.0'])).toEqual({ kind: 'compatible', protocol: '/omni/stage/1.3.0' });
  });

  it('names another major version', () => {
    expect(spokenInstead('/omni/stage/1.0.0', ['/omni/stage/2.0.0'])).toEqual({ kind: 'other major', protocol: '/omni/stage/2.0.0' });
  });

  it('counts the minor number as major before 1.0.0', () => {
    expect(spokenInstead('/omni-node/0.1.0', ['/omni-node/0.2.0'])).toEqual({ kind: 'other major', protocol: '/omni-node/0.2.0' });
    expect(spokenInstead('/omni-node/0.1.0', ['/omni-node/0.1.4'])).toEqual({ kind: 'compatible', protocol: '/omni-node/0.1.4' });
  });

  it('mistakes no other protocol for it', () => {
    expect(spokenInstead('/omni/stage/1.0.0', ['/omni/stage2/1.0.0', '/omni/stage/v1', '/x/omni/stage/1.0.0', '/omni/stage/1.0.0/extra'])).toBeUndefined();
    expect(spokenInstead('/no-version', ['/no-version'])).toBeUndefined();
  });

  it('answers whatever a peer says it speaks', () => {
    fc.assert(fc.property(fc.array(fc.string()), (protocols) => {
      const spoken = spokenInstead('/omni/stage/1.0.0', protocols);
      expect(spoken === undefined || protocols.includes(spoken.protocol)).toBe(true);
    }));
  });
});
