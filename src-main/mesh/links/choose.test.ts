import { describe, expect, it } from 'vitest';
import { chooseLink, type LinkView } from './choose.ts';

const link = (name: string, costMs?: number, route: LinkView['route'] = 'direct'): LinkView => ({ name, route, costMs });

describe('which link is taken', () => {
  it.each<{ what: string; links: LinkView[]; current: number; index: number; why: string }>([
    { what: 'the only one', links: [link('tcp')], current: -1, index: 0, why: 'the only connection' },
    { what: 'the only one, relayed', links: [link('relay', 4, 'relayed')], current: -1, index: 0, why: 'no direct connection' },
    { what: 'direct, however slow', links: [link('relay', 1, 'relayed'), link('quic', 90)], current: 0, index: 1, why: 'direct, the others are relayed' },
    { what: 'direct, not measured', links: [link('relay', 1, 'relayed'), link('quic')], current: 0, index: 1, why: 'direct, the others are relayed' },
    { what: 'the quickest', links: [link('quic', 2), link('tcp', 0.5)], current: -1, index: 1, why: 'tcp 0.50 ms, quic 2.00 ms' },
    { what: 'the oldest, as long as nothing is measured', links: [link('quic'), link('tcp')], current: -1, index: 0, why: 'the oldest, none is measured yet' },
    { what: 'one that is measured', links: [link('quic'), link('tcp', 12.4)], current: -1, index: 1, why: 'tcp 12 ms, quic not measured' },
    { what: 'the one taken so far, where another is hardly better', links: [link('quic', 1), link('tcp', 0.85)], current: 0, index: 0, why: 'quic 1.00 ms, tcp 0.85 ms' },
    { what: 'the one taken so far, where both are a matter of microseconds', links: [link('quic', 0.15), link('tcp', 0.08)], current: 0, index: 0, why: 'quic 0.15 ms, tcp 0.08 ms' },
    { what: 'a much better one', links: [link('quic', 1), link('tcp', 0.7)], current: 0, index: 1, why: 'tcp 0.70 ms, quic 1.00 ms' },
    { what: 'the quicker of two relayed ones', links: [link('relay', 30, 'relayed'), link('relay', 9, 'relayed')], current: -1, index: 1, why: 'no direct connection; relay 9.00 ms, relay 30 ms' },
  ])('$what', ({ links, current, index, why }) => {
    expect(chooseLink(links, current)).toEqual({ index, why });
  });

  it('is none where there is none', () => expect(chooseLink([])).toBeUndefined());
});
