import { defineErrors, spec } from '../../base/index.ts';

export const providerErrors = defineErrors('PROVIDERS', {
  badAnnouncement: spec<{ peer: string; reason: string }>({ fault: 'peer', message: (m) => `${m.peer} announced shards in a way that nobody understands: ${m.reason}.`, next: 'Nothing to do here: it was dropped.' }),
  flooded: spec<{ peer: string }>({ fault: 'peer', message: (m) => `${m.peer} announces shards more often than is heard.`, next: 'Nothing to do here: it was dropped.' }),
  badQuestion: spec<{ peer: string; reason: string }>({ fault: 'peer', message: (m) => `${m.peer} asked for providers wrongly: ${m.reason}.`, next: 'Nothing to do here: it was not answered.' }),
  badAnswer: spec<{ peer: string; reason: string }>({ fault: 'peer', message: (m) => `${m.peer} told of providers wrongly: ${m.reason}.`, next: 'Ask another peer.' }),
  noAnswer: spec<{ peer: string; waitedMs: number }>({ fault: 'peer', retryable: true, message: (m) => `${m.peer} did not say who provides it within ${m.waitedMs / 1000} s.`, next: 'Ask another peer.' }),
  noneKnown: spec<{ cid: string }>({
    fault: 'user', message: (m) => `Nobody is known to have ${m.cid}, and no member of the mesh to ask.`,
    next: 'Name any member of the mesh with --peer: it need not have the model itself. `omninode listen` prints addresses.',
  }),
});
