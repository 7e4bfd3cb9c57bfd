import { useConnectors, useSendCalls } from 'wagmi';
import { BaseError } from 'viem';
import { z } from 'zod';
import { HostError, type EconomyOp, type WireError } from '../../src-preload/bridge/index.ts';
import { HOST_CONNECTOR } from '../host/wallet-connector.ts';
import { useApp } from './context.ts';
import { causes, codeOf, OutsideError, USER_REJECTED, type OutsideReason } from './outside-run.ts';
import { useRun } from './use-command.ts';

export type Failure = { readonly kind: 'refused' } | { readonly kind: 'outside'; readonly reason: OutsideReason } | { readonly kind: 'failed'; readonly error: Pick<WireError, 'code' | 'message' | 'next'> };

/** The host's own code and next step go along as the data of EIP-1193's error. */
const toldSchema = z.object({ code: z.string().min(1).max(100), next: z.string().max(4_000).exactOptional() });

/** What became of a request to a wallet, out of what viem wraps around it. */
export function failureOf(error: unknown): Failure {
  const chain = causes(error);
  const host = chain.find((one) => one instanceof HostError);
  if (host !== undefined) return host.code === 'WALLET_REFUSED' ? { kind: 'refused' } : { kind: 'failed', error: host.wire };
  const outside = chain.find((one) => one instanceof OutsideError);
  if (outside !== undefined) return { kind: 'outside', reason: outside.reason };
  const told = chain.map((one) => toldSchema.safeParse((one as { readonly data?: unknown }).data).data).find((data) => data !== undefined);
  // A decision that nobody took in time has the same number.
  if (chain.some((one) => codeOf(one) === USER_REJECTED) && (told === undefined || told.code === 'WALLET_REFUSED')) return { kind: 'refused' };
  return { kind: 'failed', error: { code: `RPC ${chain.map(codeOf).find((code) => code !== undefined) ?? ''}`.trim(), message: messageOf(chain.at(-1) ?? error), ...told } };
}

const plainSchema = z.object({ message: z.string() });
/** Wallets reject with what is no Error, too. */
const messageOf = (error: unknown): string => (error instanceof BaseError ? error.shortMessage : plainSchema.safeParse(error).data?.message ?? String(error));

export interface Acts {
  /** From the plan until the owner decided. */
  readonly isBusy: boolean;
  readonly failure: Failure | undefined;
  /** Whether it was handed over. Never rejects. */
  readonly send: (op: EconomyOp) => Promise<boolean>;
  readonly faucet: () => Promise<boolean>;
}

/** Asks the host what an operation takes, and its wallet to send that: the owner decides in a document of the host's. */
export function useActs(): Acts {
  const { client } = useApp();
  const connector = useConnectors().find(({ id }) => id === HOST_CONNECTOR);
  const { mutateAsync } = useSendCalls();
  const { isBusy, failure, run } = useRun(failureOf);
  const send = (op: EconomyOp) => run(async () => {
    const { calls } = await client.call('economy.plan', op);
    await mutateAsync({ ...(connector === undefined ? {} : { connector }), calls: calls.map(({ to, data, value }) => ({ to: to as `0x${string}`, data: data as `0x${string}`, value: BigInt(value) })), forceAtomic: false });
  });
  return { isBusy, failure, send, faucet: () => run(() => client.call('economy.faucet', {})) };
}
