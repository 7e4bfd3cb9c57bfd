import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeAbiParameters, keccak256 } from 'viem';
import { z } from 'zod';
import { firstIssue, readSmallFile, SerialQueue, writeAtomically } from '../../base/index.ts';
import { chainErrors } from '../errors.ts';
import type { Hex } from '../types.ts';
import type { CaseOf } from './types.ts';

const LIMIT_BYTES = 4_096;
const hex = (chars: number) => z.string().regex(new RegExp(`^0x[0-9a-f]{${chars}}$`)).transform((text) => text as Hex);
const fileSchema = z.strictObject({ version: z.literal(1), sessionId: hex(64), nodeId: hex(64), account: hex(40), salt: hex(64) });

export interface Ballot extends CaseOf {
  readonly account: Hex;
}

/** Committee.caseIdOf. */
export const caseIdOf = ({ sessionId, nodeId }: CaseOf): Hex => keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'bytes32' }], [sessionId, nodeId]));

/** Committee.commitmentOf. */
export const commitmentOf = ({ chainId, committee }: { readonly chainId: number; readonly committee: Hex }, ballot: Ballot, { isWrong, salt }: { readonly isWrong: boolean; readonly salt: Hex }): Hex => keccak256(encodeAbiParameters(
  [{ type: 'uint256' }, { type: 'address' }, { type: 'bytes32' }, { type: 'address' }, { type: 'bool' }, { type: 'bytes32' }], [BigInt(chainId), committee, caseIdOf(ballot), ballot.account, isWrong, salt],
));

/**
 * What hides an account's votes until they are opened: one salt for each case and account, on the disk before anything is made of it, and never replaced, so that whichever
 * of one's votes the chain has can be opened. Secrets until then: files of mode 0600.
 */
export class VoteSalts {
  readonly folder: string;
  readonly #turns = new SerialQueue();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Undefined where none was made here. Throws CHAIN_DAMAGED. */
  async find(ballot: Ballot): Promise<Hex | undefined> {
    const path = this.#path(ballot);
    const text = await readSmallFile(path, { limitBytes: LIMIT_BYTES, tooLarge: () => chainErrors.damaged({ path, reason: 'it is too long' }) });
    if (text === undefined) return undefined;
    try {
      return fileSchema.parse(JSON.parse(text)).salt;
    } catch (error) {
      throw chainErrors.damaged({ path, reason: error instanceof z.ZodError ? firstIssue(error) : 'is not JSON' }, error);
    }
  }

  /** The one that there is, or a new one, which is on the disk when this returns. Throws CHAIN_DAMAGED. */
  make(ballot: Ballot): Promise<Hex> {
    return this.#turns.add(async () => await this.find(ballot) ?? await this.#write(ballot));
  }

  async #write({ sessionId, nodeId, account }: Ballot): Promise<Hex> {
    const salt: Hex = `0x${randomBytes(32).toString('hex')}`;
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const content: z.input<typeof fileSchema> = { version: 1, sessionId, nodeId, account: account.toLowerCase(), salt };
    await writeAtomically(this.#path({ sessionId, nodeId, account }), async (file) => void (await file.writeFile(JSON.stringify(content))), 0o600);
    return salt;
  }

  #path(ballot: Ballot): string {
    return join(this.folder, `${caseIdOf(ballot).slice(2)}-${ballot.account.slice(2).toLowerCase()}.json`);
  }
}
