import type { Window } from './receipt-session.ts';
import { decodeReceipt } from './receipt.ts';
import type { ReceiptsFile } from './receipts-file.ts';

/** What it takes to compute one window again, and no more of what was said: its receipts, and the tokens up to the one after it, which its last row gave. */
export function excerptOf({ promptTokens, answerTokens, greedy, receipts }: ReceiptsFile, { first, count }: Window): ReceiptsFile {
  const end = first + count + 1;
  return {
    promptTokens: promptTokens.slice(0, end), answerTokens: answerTokens.slice(0, Math.max(0, end - promptTokens.length)), greedy,
    receipts: receipts.filter(({ body }) => {
      const receipt = decodeReceipt(body);
      return receipt.first === first && receipt.count === count;
    }),
  };
}
