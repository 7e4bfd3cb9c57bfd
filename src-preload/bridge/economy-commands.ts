import { z } from 'zod';
import { command, nothing } from './command.ts';
import { addressSchema, earningsSchema, economyPlanAskSchema, economyPlanSchema, economySchema, ECONOMY_LIMITS, rpcAnswerSchema, shownDocumentSchema, slashSchema, sumLedgerSchema, transactionSchema, walletDocumentSchema } from './economy.ts';

const CHAIN = ['CHAIN_DOWN', 'CHAIN_WRONG_NETWORK'] as const;
const ACCOUNT = ['WALLET_NONE', 'ECONOMY_BAD_ACCOUNT'] as const;
/** An account of another wallet; left out, this host's. */
const account = addressSchema.exactOptional();

/** SUM. Later changes of `economy.get` come as `economy.changed`. Nothing here takes or gives a key, a phrase or a password. */
export const economyCommands = {
  'economy.get': command(nothing, economySchema),
  'economy.ledger': command(z.strictObject({ account }), sumLedgerSchema, [...CHAIN, ...ACCOUNT]),
  'economy.earnings': command(z.strictObject({ windowMs: z.number().int().min(3_600_000).max(366 * 86_400_000), account }), earningsSchema, [...CHAIN, ...ACCOUNT]),
  'economy.slashes': command(nothing, z.object({ slashes: z.array(slashSchema).max(ECONOMY_LIMITS.entries).readonly() }), CHAIN),
  'economy.transactions': command(nothing, z.object({ transactions: z.array(transactionSchema).max(ECONOMY_LIMITS.entries).readonly() })),
  /** What has to be sent for it, checked against the ledger; sends nothing. */
  'economy.plan': command(economyPlanAskSchema, economyPlanSchema, [...CHAIN, 'ECONOMY_NOT_POSSIBLE', 'ECONOMY_BINDING_NOT_APPROVED', ...ACCOUNT]),
  /** Asks the owner whether this node may be bound to an account of another wallet; answers when that is decided in a document of its own (`wallet.show`). The node's signature is in no answer: plans for this account hold it from then on. */
  'economy.bind': command(z.strictObject({ account: addressSchema }), nothing, [...CHAIN, 'ECONOMY_BAD_ACCOUNT', 'ECONOMY_NOT_POSSIBLE', 'WALLET_REFUSED', 'WALLET_EXPIRED', 'WALLET_TOO_MANY_WAITING']),
  /** SUM and coins for fees of the embedded test chain; there is no such thing on another. */
  'economy.faucet': command(z.strictObject({ account }), transactionSchema, [...CHAIN, 'ECONOMY_NO_FAUCET', 'ECONOMY_FAUCET_EMPTY', ...ACCOUNT]),
  /** EIP-1193, methods of a list; what needs a signature is answered when the owner has decided in a document of its own (asked for with `wallet.show`). */
  'wallet.request': command(
    z.strictObject({ method: z.string().regex(/^[a-zA-Z]+_[a-zA-Z0-9]+$/).max(64), params: z.array(z.unknown()).max(8).refine((params) => JSON.stringify(params).length <= ECONOMY_LIMITS.paramsChars).default([]) }),
    rpcAnswerSchema,
  ),
  /** Shows the owner a document; `consent` the oldest decision that waits. */
  'wallet.show': command(z.strictObject({ document: walletDocumentSchema }), shownDocumentSchema, ['WALLET_NONE', 'WALLET_EXISTS', 'WALLET_NOTHING_WAITS', 'WALLET_NOT_HERE']),
  'wallet.lock': command(nothing, nothing),
} as const;
