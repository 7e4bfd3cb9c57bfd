import { defineErrors, spec } from '../../base/index.ts';
import { VERSION } from './options.ts';

const DROPPED = 'Nothing to do here: it was dropped.';

export const capabilityErrors = defineErrors('CAPABILITY', {
  invalid: spec<{ reason: string }>({ fault: 'peer', message: (m) => `What a node told of itself is not understood: ${m.reason}.`, next: DROPPED }),
  versionUnknown: spec<{ version: string }>({
    fault: 'peer', message: (m) => `A node tells of itself in version ${m.version}; this one understands ${VERSION.major}.x.`, next: 'Run the same major version on both nodes.',
  }),
  forged: spec<{ peer: string }>({ fault: 'peer', message: (m) => `What was told of ${m.peer} was not signed by it.`, next: DROPPED }),
  tooLarge: spec<{ sizeBytes: number; limitBytes: number }>({ fault: 'local', message: (m) => `What this node tells of itself has ${m.sizeBytes} bytes; at most ${m.limitBytes} can be told.`, next: 'Offer fewer models.' }),
});

/** Why a well-formed message was not taken. None of these is proof of bad will: late, doubled and clock-skewed messages come from honest nodes too. */
export type Refusal =
  | 'CAPABILITY_OWN'
  /** Not newer than what is known. */
  | 'CAPABILITY_REPLAYED'
  /** Its time to live is over, as far as its author's clock can be told. */
  | 'CAPABILITY_STALE'
  | 'CAPABILITY_CLOCK_BEHIND'
  | 'CAPABILITY_CLOCK_AHEAD'
  /** Its author said that it left. */
  /** Its author lost nodes, as another said before. */
  | 'CAPABILITY_LOSS_KNOWN'
  | 'CAPABILITY_LEFT'
  | 'CAPABILITY_FULL';
