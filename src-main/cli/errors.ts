import { defineErrors, spec } from '../base/index.ts';

export const cliErrors = defineErrors('CLI', {
  usage: spec<{ problem: string }>({ fault: 'user', message: (m) => m.problem, next: 'Run `omninode --help` for commands and examples.' }),
  cancelled: spec<{ signal: string }>({ fault: 'user', message: (m) => `cancelled (${m.signal})` }),
  noTerminal: spec<{ what: string; instead: string }>({ fault: 'user', message: (m) => `${m.what} is asked for, and there is no terminal to ask in`, next: (m) => m.instead }),
  passwordsDiffer: spec<Record<string, never>>({ fault: 'user', message: () => 'the two passwords are not the same', next: 'Type the same one twice.' }),
  emptyPrompt: spec<Record<string, never>>({ fault: 'user', message: () => 'the prompt is empty', next: 'Give a question in quotes.' }),
  nobodyListens: spec<{ topic: string; waitedMs: number }>({
    fault: 'user', message: (m) => `no peer listened on ${m.topic} within ${m.waitedMs / 1000} s`,
    next: 'Start `omninode listen` on the other machine and give its address with --peer, or use --mdns on a LAN.',
  }),
  badNumber: spec<{ option: string; value: string; wanted: string }>({
    fault: 'user', message: (m) => `${m.option} ${m.value}: ${m.wanted} is wanted`, next: 'Correct the number.',
  }),
});
