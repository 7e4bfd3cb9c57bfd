import { walletErrors, type BatchProgress, type Call, type Hex, type OutboxEntry, type SumChain, type WalletChain, type WalletOutbox } from '../../chain/index.ts';
import { simulateCalls } from './simulate.ts';

type Opened = () => SumChain | undefined;

/** What the wallet asks of the chain, wherever that stands. */
export const walletChain = (chain: Opened): WalletChain => ({
  get network() { return chain()?.network; },
  request: async (method, params) => needed(chain).request({ method, params: [...params] }),
  simulate: (from: Hex, calls: readonly Call[]) => {
    const opened = chain();
    return opened === undefined ? Promise.resolve({ outcome: 'unknown', maxFeeWei: 0n }) : simulateCalls(opened, from, calls);
  },
});

export const walletOutbox = (chain: Opened): WalletOutbox => ({
  add: async (batch, signer) => void needed(chain).outbox.add(batch, signer),
  firstHash: async (id) => {
    const { outbox } = needed(chain);
    const hashOf = (entry: OutboxEntry | undefined): Hex | undefined => entry?.steps.find(({ hash }) => hash !== undefined)?.hash;
    const isDecided = (entry: OutboxEntry | undefined): boolean => hashOf(entry) !== undefined || entry?.status === 'failed';
    const now = outbox.entry(id);
    const entry = isDecided(now) ? now : await outbox.events.once('changed', { accept: (changed) => changed.batch.id === id && isDecided(changed) });
    return hashOf(entry) ?? await outbox.settled(id).then(() => '0x' as const);
  },
  progress: (id) => progressOf(chain()?.outbox.entry(id)),
});

function progressOf(entry: OutboxEntry | undefined): BatchProgress | undefined {
  if (entry === undefined) return undefined;
  const status = entry.status === 'asking' ? 'queued' : entry.status === 'refused' ? 'failed' : entry.status === 'mined' ? 'sent' : entry.status;
  return { status, hashes: entry.steps.flatMap(({ hash }) => (hash === undefined ? [] : [hash])) };
}

function needed(chain: Opened): SumChain {
  const opened = chain();
  if (opened === undefined) throw walletErrors.noChain({});
  return opened;
}
