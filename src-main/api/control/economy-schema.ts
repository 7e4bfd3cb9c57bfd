import { z } from 'zod';
import { committeeOpSchema, committeeSchema, faultsSchema } from './fault-schema.ts';
import { addressSchema, calldataSchema, earningsSchema, economyOpSchema, economySchema, slashSchema, sumLedgerSchema, transactionSchema, word32Schema } from '../../../src-preload/bridge/index.ts';

const count = z.number().int().min(0);
const call = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O) => ({ input, output });
const nothing = z.strictObject({});
const password = z.string().min(1).max(1_000);
const secretText = z.string().min(1).max(64_000);

/** Which contracts a proof is for, where its file says so. */
const placeSchema = z.strictObject({ chainId: count, settlement: addressSchema });
const slashOpSchema = z.strictObject({ op: z.literal('slash'), nodeId: word32Schema, proof: calldataSchema, place: placeSchema.exactOptional() });

/** Besides what the page may plan: what only the owner's commands send. */
export const ownerOpSchema = z.union([economyOpSchema, slashOpSchema, committeeOpSchema]);
export type OwnerOp = z.infer<typeof ownerOpSchema>;

const questionSchema = z.object({
  id: z.string().min(1).max(128),
  /** What is signed, decoded; a line each. */
  lines: z.array(z.string().max(20_000)).max(200).readonly(),
  /** The wallet is locked, or more is spent than the limit of the day lets through. */
  needsPassword: z.boolean(),
});
export type OwnerQuestion = z.infer<typeof questionSchema>;

/** The node's signature in it is good for one account alone, and its owner approved that. */
const bindCallSchema = z.object({ to: addressSchema, data: calldataSchema });
export type BindCall = z.infer<typeof bindCallSchema>;

const importedSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['phrase', 'key']), text: secretText }),
  z.strictObject({ kind: z.literal('keystore'), text: secretText, password }),
]);

/** What the owner's commands ask of a host about SUM. They have read the key of the home, which no page has: hence passwords may pass here, over loopback. */
export const ownerCalls = {
  now: call(nothing, economySchema),
  ledger: call(nothing, sumLedgerSchema),
  earnings: call(z.strictObject({ windowMs: z.number().int().min(3_600_000).max(366 * 86_400_000) }), earningsSchema),
  slashes: call(nothing, z.object({ slashes: z.array(slashSchema).max(200).readonly() })),
  /** What the book of paid sessions proves against nodes, and work that was found wrong; what the chain says to each. */
  faults: call(nothing, faultsSchema),
  /** Cases of committees that concern this account, or all of them. */
  committee: call(z.strictObject({ isAll: z.boolean() }), committeeSchema),
  transactions: call(nothing, z.object({ transactions: z.array(transactionSchema).max(200).readonly() })),
  faucet: call(nothing, transactionSchema),
  create: call(z.strictObject({ password, words: z.union([z.literal(12), z.literal(24)]) }), z.object({ address: addressSchema, phrase: z.string().max(1_000) })),
  import: call(z.strictObject({ password, secret: importedSchema }), z.object({ address: addressSchema })),
  /** What an operation would sign; sends nothing before `decide`. */
  ask: call(ownerOpSchema, questionSchema),
  decide: call(z.strictObject({ id: z.string().min(1).max(128), isApproved: z.boolean(), password: password.exactOptional() }), transactionSchema.nullable()),
  /** Whether this node may be bound to an account of another wallet: a question, or what that wallet sends where it was approved before. */
  bind: call(z.strictObject({ account: addressSchema }), z.discriminatedUnion('is', [z.object({ is: z.literal('asked'), question: questionSchema }), z.object({ is: z.literal('approved'), call: bindCallSchema })])),
  /** What that wallet sends; null: refused. */
  decideBinding: call(z.strictObject({ id: z.string().min(1).max(128), account: addressSchema, isApproved: z.boolean(), password: password.exactOptional() }), bindCallSchema.nullable()),
  /** What the host itself asks its owner, and what other programs do; decided as well. */
  waiting: call(nothing, z.object({ waiting: z.array(questionSchema).max(100).readonly() })),
  /** How a transaction stands; waits up to 20 s while it is under way. */
  settled: call(z.strictObject({ id: z.string().min(1).max(128) }), transactionSchema),
} as const;

export type OwnerCall = keyof typeof ownerCalls;
export type OwnerInput<N extends OwnerCall> = z.output<(typeof ownerCalls)[N]['input']>;
export type OwnerOutput<N extends OwnerCall> = z.output<(typeof ownerCalls)[N]['output']>;

/** Chain and wallet, as the owner's commands use them. */
export type OwnerService = { readonly [N in OwnerCall]: (input: OwnerInput<N>) => Promise<OwnerOutput<N>> };

export const isOwnerCall = (name: string): name is OwnerCall => Object.hasOwn(ownerCalls, name);
