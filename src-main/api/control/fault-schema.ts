import { z } from 'zod';
import { addressSchema, calldataSchema, slashSchema, unitsSchema, wireErrorSchema, word32Schema } from '../../../src-preload/bridge/index.ts';

const count = z.number().int().min(0);
const time = z.number().min(0);
const peerSchema = z.string().regex(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/);

/** What a proof is worth on the chain that is used now. */
const faultStandingSchema = z.discriminatedUnion('kind', [
  /** What would be cut of the stake, and what of it who brings the proof gets. */
  z.object({ kind: z.literal('open'), cut: unitsSchema, reward: unitsSchema }),
  /** `slash` is absent where that is too old to be listed, or too new. */
  z.object({ kind: z.literal('punished'), slash: slashSchema.exactOptional() }),
  z.object({ kind: z.literal('other-chain') }),
  z.object({ kind: z.enum(['refused', 'unknown']), error: wireErrorSchema }),
]);

const faultSchema = z.object({
  sessionId: word32Schema, nodeId: word32Schema, kind: z.enum(['contradiction', 'double-claim', 'ruling', 'unknown']),
  chainId: count, settlement: addressSchema, proof: calldataSchema, standing: faultStandingSchema,
});
export type HeldFault = z.infer<typeof faultSchema>;
export type FaultStandingInfo = z.infer<typeof faultStandingSchema>;

/** Whether a committee can be asked now, by the chain's clock. */
const doubtSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('soon'), fromMs: time }),
  z.object({ kind: z.literal('open'), untilMs: time }),
  /** `over`: nobody asked in time; `case`: somebody did. */
  z.object({ kind: z.enum(['over', 'case', 'other-chain']) }),
  z.object({ kind: z.literal('unknown'), error: wireErrorSchema }),
]);

/** A window of a paid node that gave something else when it was computed again. */
const wrongWorkSchema = z.object({
  sessionId: word32Schema, nodeId: word32Schema, peer: peerSchema, layers: z.tuple([count, count]).readonly(),
  /** Rows of the conversation. */
  first: count, count, modelHash: z.string().regex(/^[0-9a-f]{64}$/),
  /** For `omninode verify`. */
  file: z.string().min(1).max(4_096),
  foundMs: time,
  /** The node signed a bill over it. */
  isBilled: z.boolean(),
  doubt: doubtSchema,
});
export type HeldWrongWork = z.infer<typeof wrongWorkSchema>;

export const faultsSchema = z.object({ faults: z.array(faultSchema).max(500).readonly(), wrongWork: z.array(wrongWorkSchema).max(100).readonly() });

/** The id of a session or a node, or how it begins. */
const idNameSchema = z.string().regex(/^0x[0-9a-f]{4,64}$/);
const about = { session: idNameSchema, node: z.union([idNameSchema, peerSchema]) };

/** Left out, `node` is this node. */
export const committeeOpSchema = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('enlist') }),
  z.strictObject({ op: z.literal('delist'), node: z.union([word32Schema, peerSchema]).exactOptional() }),
  z.strictObject({ op: z.enum(['openCase', 'addEvidence']), ...about, evidence: z.string().min(1).max(20_000) }),
  z.strictObject({ op: z.enum(['draw', 'reveal', 'conclude']), ...about }),
  z.strictObject({ op: z.literal('vote'), ...about, isWrong: z.boolean() }),
  z.strictObject({ op: z.literal('takeOwed') }),
]);
export type CommitteeOrder = z.infer<typeof committeeOpSchema>;

const caseSchema = z.object({
  sessionId: word32Schema, nodeId: word32Schema, roles: z.array(z.enum(['challenger', 'accused', 'member'])).max(3).readonly(),
  phase: z.enum(['draw', 'vote', 'reveal', 'over', 'undecided', 'dismissed', 'upheld']),
  openedAtMs: time, untilMs: time.exactOptional(), drawBlock: count.exactOptional(),
  challenger: addressSchema, accused: addressSchema, members: z.array(addressSchema).max(16).readonly(),
  votes: count, opened: count, wrong: count, ownVote: z.enum(['hidden', 'open']).exactOptional(),
  evidence: z.array(z.object({ by: addressSchema, text: z.string().max(20_000) })).max(50).readonly(),
  isSlashDue: z.boolean(),
  acts: z.array(z.enum(['addEvidence', 'draw', 'vote', 'reveal', 'conclude'])).max(5).readonly(),
});
export type CommitteeCaseInfo = z.infer<typeof caseSchema>;

export const committeeSchema = z.object({
  /** By the chain's clock. */
  atMs: time, block: count,
  /** Absent: there is no wallet. */
  account: addressSchema.exactOptional(),
  owed: unitsSchema, bond: unitsSchema, candidates: count, isEnlisted: z.boolean(), drawsDue: count,
  cases: z.array(caseSchema).max(50).readonly(),
});
export type CommitteeInfo = z.infer<typeof committeeSchema>;
