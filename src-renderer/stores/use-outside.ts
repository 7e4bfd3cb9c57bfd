import { useCallback, useEffect, useRef, useState } from 'react';
import { useConfig, useSendTransaction, type Connector } from 'wagmi';
import { waitForTransactionReceipt } from 'viem/actions';
import { HostError, type ChainNetworkInfo, type EconomyOp, type EconomyPlan } from '../../src-preload/bridge/index.ts';
import type { HostProvider } from '../host/wallet-connector.ts';
import { useApp } from './context.ts';
import { checkContract } from './outside-chain.ts';
import { begunIn, forgetBegun, resumeOutside, runOutside, type Begun, type OutsidePorts, type OutsideStep } from './outside-run.ts';
import { failureOf, type Acts } from './use-acts.ts';
import { useRun } from './use-command.ts';

/** A wallet of the browser that is connected. */
export interface OutsideWallet {
  readonly connector: Connector;
  readonly account: `0x${string}`;
  readonly chainId: number;
}

export interface OutsideActs extends Acts {
  /** Of the last operation. */
  readonly steps: readonly OutsideStep[];
  readonly op: EconomyOp | undefined;
  /** Begun before this was shown, or failed in a way that says nothing, and not known to be done. */
  readonly begun: Begun | undefined;
  readonly resume: () => Promise<boolean>;
  readonly forget: () => void;
}

const POLL_MS = { embedded: 500, configured: 4_000 } as const;

/** What a wallet of the browser does: the host plans each step, that wallet signs and sends it, the host's chain says what became of it. */
export function useOutside(wallet: OutsideWallet | undefined, network: ChainNetworkInfo): OutsideActs {
  const { client } = useApp();
  const ports = usePorts(wallet, network);
  const [told, setTold] = useState<{ readonly op?: EconomyOp; readonly steps: readonly OutsideStep[] }>({ steps: [] });
  const { isBusy, failure, run } = useRun(failureOf);
  const where = { account: wallet?.account ?? '', chainId: network.chainId };
  const shown = useRef(new AbortController());
  useEffect(() => {
    shown.current = new AbortController();
    return () => shown.current.abort();
  }, []);
  const begun = isBusy ? undefined : begunIn(sessionStorage, where);
  const follow = (op: EconomyOp, work: (ports: OutsidePorts) => Promise<void>): Promise<boolean> => run(() => work({ ...ports, signal: shown.current.signal, changed: (steps) => setTold({ op, steps }) }));
  const [, setForgotten] = useState(0);
  return {
    isBusy, failure, steps: told.steps, op: told.op, begun,
    send: (op) => follow(op, (all) => runOutside(op, where, all)),
    resume: () => (begun === undefined ? Promise.resolve(false) : follow(begun.op, (all) => resumeOutside(begun, all))),
    forget: () => { forgetBegun(sessionStorage); setForgotten((times) => times + 1); },
    faucet: () => run(() => client.call('economy.faucet', { account: where.account })),
  };
}

function usePorts(wallet: OutsideWallet | undefined, { chainId, kind }: ChainNetworkInfo): Omit<OutsidePorts, 'changed' | 'signal'> {
  const { client } = useApp();
  const config = useConfig();
  const { mutateAsync } = useSendTransaction();
  const account = wallet?.account ?? '0x';
  const plan = useCallback(async (op: EconomyOp): Promise<EconomyPlan> => {
    const ask = (): Promise<EconomyPlan> => client.call('economy.plan', { ...op, account });
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof HostError) || error.code !== 'ECONOMY_BINDING_NOT_APPROVED') throw error;
      // Decided in a document of the host's, once.
      await client.call('economy.bind', { account });
      return ask();
    }
  }, [client, account]);
  return {
    plan, storage: sessionStorage,
    send: async ({ to, data, value }) => {
      await checkContract(await wallet?.connector.getProvider() as HostProvider, to);
      return mutateAsync({ ...(wallet === undefined ? {} : { connector: wallet.connector }), account, chainId, to: to as `0x${string}`, data: data as `0x${string}`, value: BigInt(value) });
    },
    landed: async (hash) => {
      let isOther = false;
      const onReplaced = ({ reason }: { readonly reason: string }): void => { isOther = reason !== 'repriced'; };
      const { status } = await waitForTransactionReceipt(config.getClient({ chainId }), { hash: hash as `0x${string}`, pollingInterval: POLL_MS[kind], timeout: 0, onReplaced });
      return isOther ? 'replaced' : status === 'success' ? 'mined' : 'reverted';
    },
  };
}
