import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { firstIssue, readSmallFile, writeAtomically } from '../../base/index.ts';
import type { HeldFault, OwnerOp } from '../../api/index.ts';
import { hostErrors } from '../errors.ts';

type Slash = Extract<OwnerOp, { readonly op: 'slash' }>;

const LIMIT_BYTES = 65_536;

/** As a payer gives it to others: whose fault, the proof for `StakingContract.slash`, and which contracts it is for. */
const faultSchema = z.strictObject({
  version: z.literal(1), nodeId: z.string().regex(/^0x[0-9a-f]{64}$/), proof: z.string().regex(/^0x(?:[0-9a-f]{2})+$/).max(32_768),
  place: z.strictObject({ chainId: z.number().int().min(1), settlement: z.string().regex(/^0x[0-9a-f]{40}$/) }).exactOptional(),
});

/** Throws HOST_BAD_FAULT_FILE. */
export function parseFault(path: string, text: string): Slash {
  try {
    const { version: _, ...fault } = faultSchema.parse(JSON.parse(text));
    return { op: 'slash', ...fault };
  } catch (error) {
    throw hostErrors.badFaultFile({ path, reason: error instanceof z.ZodError ? firstIssue(error) : 'is not JSON' }, error);
  }
}

/** Throws HOST_NO_FAULT_FILE, HOST_BAD_FAULT_FILE. */
export async function readFault(path: string): Promise<Slash> {
  const tooLarge = (sizeBytes: number): Error => hostErrors.badFaultFile({ path, reason: `has ${sizeBytes} bytes` });
  const text = await readSmallFile(path, { limitBytes: LIMIT_BYTES, tooLarge }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EISDIR' || error.code === 'EACCES' ? hostErrors.badFaultFile({ path, reason: error.code === 'EISDIR' ? 'is a folder' : 'may not be read' }, error) : error;
  });
  if (text === undefined) throw hostErrors.noFaultFile({ path });
  return parseFault(path, text);
}

/** The one whose session or node begins so, where both are named whose session and node do; the only one where no name is given. Throws HOST_NO_FAULT, HOST_MANY_FAULTS. */
export function faultNamed(faults: readonly HeldFault[], name = '', node = ''): HeldFault {
  const isNamed = ({ sessionId, nodeId }: HeldFault): boolean => (node === '' ? sessionId.startsWith(name) || nodeId.startsWith(name) : sessionId.startsWith(name) && nodeId.startsWith(node));
  const found = faults.filter(isNamed);
  const [first] = found;
  if (first === undefined) throw hostErrors.noFault({ name });
  if (found.length > 1) throw hostErrors.manyFaults({ name, candidates: found.map(({ sessionId, nodeId }) => `${sessionId} ${nodeId}`) });
  return first;
}

export const slashOf = ({ nodeId, proof, chainId, settlement }: HeldFault): Slash => ({ op: 'slash', nodeId, proof, place: { chainId, settlement } });

/** A folder gets a file of its own name; returns where it lies. Throws HOST_FILE_EXISTS, HOST_FILE_NOT_WRITTEN. */
export async function saveFault(fault: HeldFault, path: string, { isOverwriting }: { readonly isOverwriting: boolean }): Promise<string> {
  const place = await stat(path).catch(() => undefined);
  const file = place?.isDirectory() === true || /[\\/]$/.test(path) ? join(path, `fault-${fault.sessionId.slice(2, 10)}-${fault.nodeId.slice(2, 10)}.json`) : path;
  if (!isOverwriting && await stat(file).then(() => true, () => false)) throw hostErrors.fileExists({ path: file });
  const { op: _, ...content } = slashOf(fault);
  const text = `${JSON.stringify({ version: 1, ...content } satisfies z.input<typeof faultSchema>, null, 2)}\n`;
  await writeAtomically(file, async (handle) => void (await handle.writeFile(text))).catch((error: NodeJS.ErrnoException) => {
    throw hostErrors.fileNotWritten({ path: file, reason: error.code ?? error.message }, error);
  });
  return file;
}
