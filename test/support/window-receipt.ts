import { signReceipt, type ReceiptsFile, type SignedReceipt, type Signer } from '../../src-main/pipeline/index.ts';

/** Of one window of eight rows, in a stage's session of so many hex digits. */
export const windowReceipt = (session: string, signer: Signer): Promise<SignedReceipt> => signReceipt({
  modelHash: 'ab'.repeat(32), manifestCid: null, layers: [0, 2], session, first: 0, count: 8, inputTokens: [1, 2, 3, 4, 5, 6, 7, 8], sampledTokens: null,
  input: null, output: { first: 0, count: 8, bytes: new Uint8Array(258) }, takes: 'f16', sends: 'f16', backend: 'cpu', startedMs: 1, endedMs: 2,
}, signer);

export const windowFile = (...receipts: readonly SignedReceipt[]): ReceiptsFile => ({ promptTokens: [1, 2, 3, 4, 5, 6, 7, 8, 9], answerTokens: [], greedy: true, receipts });
