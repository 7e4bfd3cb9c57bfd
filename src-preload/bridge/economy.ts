import { z } from 'zod';
import { wireErrorSchema } from './errors.ts';
import { count, filledLabel, id, time } from './primitives.ts';

export const ECONOMY_LIMITS = { entries: 200, points: 400, calls: 8, calldataChars: 64_000, paramsChars: 100_000, resultChars: 700_000 } as const;

/** 1e-18 SUM, decimal: a JSON number would lose digits. */
export const unitsSchema = z.string().regex(/^(0|[1-9]\d{0,59})$/);
export const addressSchema = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
export const word32Schema = z.string().regex(/^0x[0-9a-f]{64}$/);
export const calldataSchema = z.string().regex(/^0x(?:[0-9a-fA-F]{2})*$/).max(ECONOMY_LIMITS.calldataChars);

/** Which chain this host uses. `embedded`: the test chain that the app runs itself, where SUM is worth nothing. */
export const chainNetworkSchema = z.object({
  kind: z.enum(['embedded', 'configured']), chainId: count, name: filledLabel,
  contracts: z.object({ token: addressSchema, stakes: addressSchema, registry: addressSchema, settlement: addressSchema, distributor: addressSchema }),
  /** Where a wallet of the browser reaches it: addresses that were named as public, or the embedded chain's own where it is open. Absent: nowhere that may be told. */
  publicRpc: z.array(z.url().max(500)).min(1).max(8).readonly().exactOptional(),
});
export type ChainNetworkInfo = z.infer<typeof chainNetworkSchema>;

export const chainLinkSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('starting') }),
  z.object({ status: z.literal('ready'), block: count, blockTimeMs: time }),
  /** What is shown is as of `block`, where there is one; what is asked for is kept until the chain answers again. */
  z.object({ status: z.enum(['down', 'wrong-network']), error: wireErrorSchema, sinceMs: time, block: count.exactOptional() }),
]);
export type ChainLinkInfo = z.infer<typeof chainLinkSchema>;

/** Nothing of a key, a phrase or a password is ever in it. */
export const walletStateSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('none') }),
  z.object({
    status: z.enum(['locked', 'ready']), address: addressSchema,
    /** Sealed: besides its password, by the system's key ring. */
    keeping: z.enum(['password', 'sealed']),
    spend: z.object({ perDayUnits: unitsSchema.nullable(), todayUnits: unitsSchema }),
  }),
]);
export type WalletState = z.infer<typeof walletStateSchema>;

/** What the model that answers costs, where machines are paid to compute it. Nothing of it is guessed: prices are those that the machines ask, and what was spent is counted here. */
export const payingSchema = z.object({
  /** ahead: the next question opens a session, for which the owner is asked; open: one is. */
  state: z.enum(['ahead', 'open']),
  /** That are paid. */
  machines: count,
  /** Put aside for a session: it costs no more. */
  most: unitsSchema,
  /** Of 1,000 tokens, by all of them together. */
  per1000: unitsSchema,
  /** By the open session so far. */
  spent: unitsSchema.exactOptional(),
});
export type Paying = z.infer<typeof payingSchema>;

/** Absent parts: this host has no chain. Pushed when any of it changed; by `revision`, ledger and lists are to be asked again. */
export const economySchema = z.object({
  network: chainNetworkSchema.exactOptional(),
  link: chainLinkSchema,
  wallet: walletStateSchema,
  /** The node's identity as the contracts know it (the 32 bytes of its Ed25519 key), and the account it is bound to. */
  node: z.object({ nodeId: word32Schema, owner: addressSchema.nullable() }).exactOptional(),
  /** Decisions of the owner that wait in documents of their own. */
  waiting: count,
  revision: count,
});
export type Economy = z.infer<typeof economySchema>;

/** Where all SUM of one node and its account lies, at one confirmed block. */
export const sumLedgerSchema = z.object({
  block: count, atMs: time,
  liquid: unitsSchema,
  /** The chain's own coin, for fees. */
  gas: unitsSchema,
  staked: unitsSchema,
  /** By the chain's clock. Matured ones can be withdrawn. */
  unbonding: z.array(z.object({ index: count, amount: unitsSchema, releaseAtMs: time, isMatured: z.boolean() })).max(16).readonly(),
  /** Rewards that can be claimed. */
  rewards: unitsSchema,
  /** Put aside for sessions that this account pays, and what of it is free to come back. */
  escrow: unitsSchema, refundable: unitsSchema,
  leastStake: unitsSchema,
  isActive: z.boolean(),
});
export type SumLedger = z.infer<typeof sumLedgerSchema>;

export const txStatusSchema = z.enum(['asking', 'refused', 'queued', 'sent', 'mined', 'confirmed', 'failed']);
export const transactionSchema = z.object({
  id,
  /** What it is for: `stake`, `claim`, ... */
  what: z.string().min(1).max(64),
  status: txStatusSchema,
  atMs: time,
  /** One for each step that was signed. */
  steps: z.array(z.object({ what: z.string().min(1).max(64), status: txStatusSchema, hash: word32Schema.exactOptional(), block: count.exactOptional(), feeUnits: unitsSchema.exactOptional(), resent: count })).max(ECONOMY_LIMITS.calls).readonly(),
  /** SUM that leaves the account. */
  amount: unitsSchema.exactOptional(),
  error: wireErrorSchema.exactOptional(),
});
export type EconomyTransaction = z.infer<typeof transactionSchema>;

const paidSessionSchema = z.object({
  sessionId: word32Schema,
  role: z.enum(['node', 'payer']),
  openedAtMs: time,
  /** open: work may go on; final: claims may begin; the rest says what became of this node's, or this payer's, part. */
  state: z.enum(['open', 'challenge', 'claimable', 'paid', 'refused', 'refunded', 'lapsed']),
  /** Nodes that take part. */
  nodes: count,
  layers: z.tuple([count, count]).exactOptional(),
  tokens: count,
  /** Earned by this node, or paid by this account; of that what is only vouched for so far. */
  pay: unitsSchema, pending: unitsSchema, reward: unitsSchema,
  /** What of it can be sent now by whoever pays the fee: its newest voucher, before the session is final; its reward, after the pay was taken. */
  due: z.enum(['post', 'reward']).exactOptional(),
});
export type PaidSessionInfo = z.infer<typeof paidSessionSchema>;

export const earningsSchema = z.object({
  sinceMs: time, untilMs: time,
  points: z.array(z.object({ atMs: time, pay: unitsSchema, reward: unitsSchema })).max(ECONOMY_LIMITS.points).readonly(),
  sessions: z.array(paidSessionSchema).max(ECONOMY_LIMITS.entries).readonly(),
  byNode: z.array(z.object({ nodeId: word32Schema, pay: unitsSchema, reward: unitsSchema, work: unitsSchema })).max(ECONOMY_LIMITS.entries).readonly(),
  settled: unitsSchema, pending: unitsSchema,
  /** Rewards and pay of the window over the mean stake in it, per year; absent where nothing was staked or the window is too short to say. */
  realisedApr: z.object({ windowMs: time, value: z.number().min(0).max(1e9) }).exactOptional(),
});
export type Earnings = z.infer<typeof earningsSchema>;

export const slashSchema = z.object({
  nodeId: word32Schema, faultId: word32Schema, atMs: time, block: count, txHash: word32Schema,
  cut: unitsSchema, burned: unitsSchema, reporter: addressSchema,
  /** What the proof in the transaction says, decoded. */
  evidence: z.enum(['contradiction', 'double-claim', 'ruling', 'unknown']),
  sessionIds: z.array(word32Schema).max(2).readonly(),
});
export type SlashInfo = z.infer<typeof slashSchema>;

/** Operations, each with what else is asked of it. */
const opsWith = <S extends z.ZodRawShape>(more: S) => z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('stake'), amount: unitsSchema, ...more }),
  z.strictObject({ op: z.literal('unstake'), amount: unitsSchema, ...more }),
  z.strictObject({ op: z.literal('cancel'), index: count, ...more }),
  z.strictObject({ op: z.literal('withdraw'), ...more }),
  /** Rewards of the node, all of them. */
  z.strictObject({ op: z.literal('claim'), ...more }),
  /** Pay of one session, or what came back of it; its newest voucher; its reward. */
  z.strictObject({ op: z.enum(['collect', 'refund', 'post', 'reward']), sessionId: word32Schema, ...more }),
  z.strictObject({ op: z.literal('transfer'), to: addressSchema, amount: unitsSchema, ...more }),
]);
export const economyOpSchema = opsWith({});
export type EconomyOp = z.infer<typeof economyOpSchema>;
/** `account`: one of another wallet, which sends the calls itself; left out, this host's. */
export const economyPlanAskSchema = opsWith({ account: addressSchema.exactOptional() });

/** What an operation sends: for EIP-5792's wallet_sendCalls, so that one decision covers all of it. */
export const economyPlanSchema = z.object({
  what: z.string().min(1).max(64),
  calls: z.array(z.object({ what: z.string().min(1).max(64), to: addressSchema, data: calldataSchema, value: unitsSchema })).min(1).max(ECONOMY_LIMITS.calls).readonly(),
  /** Of another account: how many transactions of it the chain has. One more is what was sent of this plan, or something else. */
  nonce: count.exactOptional(),
});
export type EconomyPlan = z.infer<typeof economyPlanSchema>;

/** The isolated documents in which the owner decides; each belongs to the host, and the page cannot reach into it. */
export const walletDocumentSchema = z.enum(['create', 'import', 'unlock', 'export', 'limits', 'consent']);
/** `window`: the app opened one. `link`: to be opened in a tab of its own on the machine of the host. */
export const shownDocumentSchema = z.discriminatedUnion('where', [z.object({ where: z.literal('window') }), z.object({ where: z.literal('link'), url: z.url().max(500) })]);

/** EIP-1193's answer; `error.code` is a number of EIP-1193 or EIP-1474. */
export const rpcAnswerSchema = z.union([
  z.object({ result: z.unknown() }),
  z.object({ error: z.object({ code: z.number().int(), message: z.string().max(2_000), data: z.unknown().optional() }) }),
]);
