import { defineErrors, spec } from '../../base/index.ts';

const SAME_VERSION = 'Ask for the receipts again, from a node of the same OmniNode version.';

export const receiptErrors = defineErrors('RECEIPT', {
  malformed: spec<{ problem: string }>({ fault: 'peer', message: (m) => `the receipt is malformed: ${m.problem}`, next: SAME_VERSION }),
  wrongVersion: spec<{ version: number; supported: number }>({
    fault: 'peer', message: (m) => `the receipt has version ${m.version}, this program reads ${m.supported}`, next: SAME_VERSION,
  }),
  badSignature: spec<{ peer: string }>({ fault: 'peer', message: (m) => `the receipt is not signed by peer ${m.peer}`, next: 'Do not trust this receipt; ask its peer for it.' }),
  badFile: spec<{ name: string; problem: string }>({ fault: 'user', message: (m) => `${m.name} is not a receipts file: ${m.problem}`, next: 'Give the file as it was written, whole.' }),
  otherModel: spec<{ wanted: string; given: string; name: string }>({
    fault: 'user', message: (m) => `the receipts are of model ${m.wanted.slice(0, 12)}, ${m.name} is ${m.given.slice(0, 12)}`, next: 'Give the model file that the receipts name, with --model.',
  }),
  notFinite: spec<{ index: number }>({ fault: 'local', message: (m) => `value ${m.index} of the window is not a finite number`, next: 'Check the model file; its answers are of no use.' }),
  notInQ8: spec<Record<string, never>>({
    fault: 'user', message: () => 'rows in transit were Q8, which receipts do not cover: rounding to 8 bits turns the small differences of honest machines into large ones', next: 'Ask with --dtype f16 or f32.',
  }),
  noModulus: spec<{ entries: number }>({ fault: 'local', message: (m) => `no modulus keeps ${m.entries} entries apart`, next: 'Report this with the log.' }),
});
