import { z } from 'zod';
import { firstIssue } from '../../base/index.ts';
import type { OwnerOp } from '../../api/index.ts';
import { hostErrors } from '../errors.ts';

type Slash = Extract<OwnerOp, { readonly op: 'slash' }>;

/** As a payer keeps it: whose fault, and the proof for `StakingContract.slash`. */
const faultSchema = z.strictObject({ version: z.literal(1), nodeId: z.string().regex(/^0x[0-9a-f]{64}$/), proof: z.string().regex(/^0x(?:[0-9a-f]{2})+$/).max(32_768) });

/** Throws HOST_BAD_FAULT_FILE. */
export function readFault(path: string, text: string): Slash {
  try {
    const { nodeId, proof } = faultSchema.parse(JSON.parse(text));
    return { op: 'slash', nodeId, proof };
  } catch (error) {
    throw hostErrors.badFaultFile({ path, reason: error instanceof z.ZodError ? firstIssue(error) : 'is not JSON' }, error);
  }
}
