import { defineErrors, spec } from '../../base/index.ts';

export const bitswapErrors = defineErrors('BITSWAP', {
  badMessage: spec<{ peer: string; reason: string }>({ fault: 'peer', message: (m) => `${m.peer} sent a message that is no bitswap: ${m.reason}.`, next: 'Fetch from another peer.' }),
  flooded: spec<{ peer: string; what: string }>({ fault: 'peer', message: (m) => `${m.peer} asks for more than it may: ${m.what}.`, next: 'Drop the peer, or let it ask for less at once.' }),
});
