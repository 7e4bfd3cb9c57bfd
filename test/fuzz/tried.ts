import { CodedError } from '../../src-main/base/index.ts';
import { seeded } from '../support/models/index.ts';
import { mutate } from './mutate.ts';

export interface Trial {
  readonly samples: readonly Uint8Array[];
  readonly seed: number;
  readonly runs: number;
}

/** Tries damaged versions of the samples, one after the other: each is read, or refused as the peer's fault with a code. How many were refused. */
export async function tried({ samples, seed, runs }: Trial, read: (bytes: Buffer, random: () => number) => unknown): Promise<number> {
  const random = seeded(seed);
  let refused = 0;
  for (let run = 0; run < runs; run++) {
    const bytes = mutate(Buffer.from(samples[run % samples.length] ?? []), random);
    try {
      // Most readers are synchronous: not to wait for them is a third of the time.
      const reading = read(bytes, random);
      if (reading instanceof Promise) await reading;
    } catch (error) {
      if (!(error instanceof CodedError) || error.fault !== 'peer') throw new Error(`case ${run} of seed ${seed}: ${bytes.toString('hex')}`, { cause: error });
      refused++;
    }
  }
  return refused;
}
