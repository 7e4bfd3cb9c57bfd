import { z } from 'zod';
import { addressSchema, economyOpSchema, word32Schema, type EconomyOp, type EconomyPlan } from '../../src-preload/bridge/index.ts';

/** An operation that a wallet outside of the host sends, step by step. */

export type OutsideStatus = 'waiting' | 'asked' | 'sent' | 'mined' | 'refused' | 'failed';
export interface OutsideStep {
  readonly what: string;
  readonly status: OutsideStatus;
  readonly hash?: string;
}

/** `replaced`: that wallet sent something else in its place. */
export type Landed = 'mined' | 'reverted' | 'replaced';
/** `moved`: the account sent something that is not known here, so that nothing may be sent as if it had not. `other-contracts`: that wallet's chain is another one of the same number. */
export type OutsideReason = 'reverted' | 'replaced' | 'moved' | 'unknown-chain' | 'other-contracts';

export class OutsideError extends Error {
  override readonly name = 'OutsideError';
  readonly reason: OutsideReason;

  constructor(reason: OutsideReason) {
    super(reason);
    this.reason = reason;
  }
}

type Call = EconomyPlan['calls'][number];
type Kept = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export interface OutsidePorts {
  /** The host's plan for the account, as the chain stands; with the binding approved where it needs one. */
  readonly plan: (op: EconomyOp) => Promise<EconomyPlan>;
  /** Resolves with the hash when the owner agreed in that wallet. */
  readonly send: (call: Call) => Promise<string>;
  /** Resolves when it is in a block, by the host's chain. */
  readonly landed: (hash: string) => Promise<Landed>;
  readonly storage: Kept;
  readonly changed: (steps: readonly OutsideStep[]) => void;
  /** Nobody looks any more: nothing further is asked of that wallet. */
  readonly signal: AbortSignal;
}

export interface OutsideWhere {
  readonly account: string;
  readonly chainId: number;
}

const count = z.number().int().min(0);
/** `nonce`: transactions of the account before the step that is under way; `left`: steps with it. */
const begunSchema = z.strictObject({ op: economyOpSchema, account: addressSchema, chainId: count, nonce: count, left: count.min(1), hash: word32Schema.exactOptional() });
/** What was under way when the page was left. */
export type Begun = z.infer<typeof begunSchema>;

const KEY = 'omninode.outside';

/** Of this account on this chain; anything else that lies there is none. */
export function begunIn(storage: Kept, { account, chainId }: OutsideWhere): Begun | undefined {
  try {
    const begun = begunSchema.parse(JSON.parse(storage.getItem(KEY) ?? ''));
    return begun.account.toLowerCase() === account.toLowerCase() && begun.chainId === chainId ? begun : undefined;
  } catch {
    return undefined;
  }
}

export const forgetBegun = (storage: Kept): void => storage.removeItem(KEY);

/** Sends all steps in order, each when the one before is in a block. Throws OutsideError, and what the ports reject with. */
export async function runOutside(op: EconomyOp, where: OutsideWhere, ports: OutsidePorts): Promise<void> {
  ports.changed([]);
  await follow(op, await ports.plan(op), { where, ports });
}

/** Goes on with what was begun: what the chain has is not sent again, and nothing is where the account sent something else since. Throws as `runOutside`. */
export async function resumeOutside(begun: Begun, ports: OutsidePorts): Promise<void> {
  const { op, nonce, left, hash, ...where } = begun;
  if (hash !== undefined) {
    ports.changed([{ what: op.op, status: 'sent', hash }]);
    await land(hash, ports, (status) => ports.changed([{ what: op.op, status, hash }]));
    if (left === 1) return forgetBegun(ports.storage);
  }
  const plan = await ports.plan(op);
  if (plan.nonce !== nonce + (hash === undefined ? 0 : 1)) {
    forgetBegun(ports.storage);
    throw new OutsideError('moved');
  }
  await follow(op, plan, { where, ports });
}

async function follow(op: EconomyOp, { calls, nonce = 0 }: EconomyPlan, { where, ports }: { readonly where: OutsideWhere; readonly ports: OutsidePorts }): Promise<void> {
  let steps: readonly OutsideStep[] = calls.map(({ what }) => ({ what, status: 'waiting' }));
  const put = (index: number, change: Omit<OutsideStep, 'what'>): void => {
    steps = steps.map((step, at) => (at === index ? { ...step, ...change } : step));
    ports.changed(steps);
  };
  ports.changed(steps);
  for (const [index, call] of calls.entries()) {
    ports.signal.throwIfAborted();
    const begun: Begun = { op, ...where, nonce: nonce + index, left: calls.length - index };
    keep(ports.storage, begun);
    put(index, { status: 'asked' });
    const hash = await ports.send(call).catch((error: unknown) => {
      const isRefused = isRefusal(error);
      // What was refused is not on its way; of what failed otherwise nobody knows.
      if (isRefused || error instanceof OutsideError) forgetBegun(ports.storage);
      put(index, { status: isRefused ? 'refused' : 'failed' });
      throw error;
    });
    keep(ports.storage, { ...begun, hash });
    put(index, { status: 'sent', hash });
    await land(hash, ports, (status) => put(index, { status }));
  }
  forgetBegun(ports.storage);
}

async function land(hash: string, { landed, storage }: OutsidePorts, tell: (status: OutsideStatus) => void): Promise<void> {
  const how = await landed(hash);
  tell(how === 'mined' ? 'mined' : 'failed');
  if (how === 'mined') return;
  forgetBegun(storage);
  throw new OutsideError(how);
}

const keep = (storage: Kept, begun: Begun): void => storage.setItem(KEY, JSON.stringify(begun));

/** EIP-1193: the owner said no. */
export const USER_REJECTED = 4001;

/** Errors as viem wraps them, the outermost first. */
export const causes = (error: unknown): unknown[] => (error instanceof Error ? [error, ...causes(error.cause)] : [error].filter((one) => typeof one === 'object' && one !== null));
export const codeOf = (error: unknown): number | undefined => (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number' ? error.code : undefined);
const isRefusal = (error: unknown): boolean => causes(error).some((one) => codeOf(one) === USER_REJECTED);
