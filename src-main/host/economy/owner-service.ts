import { isCoded, toCoded } from '../../base/index.ts';
import { economyErrors, walletErrors, type Asked, type Call } from '../../chain/index.ts';
import type { OwnerInput, OwnerOp, OwnerService } from '../../api/index.ts';
import { committeeCalls, committeeInfo } from './committee.ts';
import { heldFaults, slashCalls } from './faults.ts';
import { ownerBinding } from './owner-binding.ts';
import { question } from './owner-question.ts';
import { transactionInfo } from './to-bridge.ts';
import { heldWrongWork } from './wrong-work.ts';
import type { EconomyHost } from './economy-host.ts';

const CLI = { kind: 'cli', name: 'omninode' } as const;
const SETTLE_MS = 20_000;

/** Chain and wallet for the owner's commands: decisions are made in their terminal. */
export function ownerService(host: EconomyHost): OwnerService {
  const binding = ownerBinding(host);
  const sent = new Map<string, Promise<string>>();
  const transaction = async (id: string) => {
    const entry = (await host.chain()).outbox.entry(id);
    if (entry === undefined) throw economyErrors.notPossible({ op: 'settled', reason: 'nothing was sent under this number' });
    return transactionInfo(entry);
  };
  return {
    now: async () => {
      // Whoever asks wants to hear why it does not answer, not that it has just begun to.
      await host.chain().catch(() => undefined);
      return host.now();
    },
    faults: async () => ({ faults: await heldFaults(host), wrongWork: await heldWrongWork(host) }),
    committee: ({ isAll }) => committeeInfo(host, isAll),
    ledger: () => host.ledger(), earnings: (input) => host.earnings(input), slashes: () => host.slashes(), transactions: async () => host.transactions(), faucet: () => host.faucet(),
    create: async ({ password, words }) => {
      const { phrase } = await host.wallet.create(password, words);
      return { address: host.wallet.address, phrase };
    },
    import: async (input) => {
      await importWallet(host, input);
      return { address: host.wallet.address };
    },
    ask: async (op) => {
      const calls = await callsOf(host, op);
      return question(host, await asked(host, { what: op.op, calls }, sent));
    },
    decide: async ({ id, isApproved, password }) => {
      const waiting = host.consents.waiting().find((one) => one.id === id);
      const answer = sent.get(id) ?? (isApproved && waiting !== undefined ? othersBatch(host, waiting) : Promise.resolve(undefined));
      // It may be refused before anybody waits for it.
      answer.catch(() => undefined);
      if (waiting === undefined) throw walletErrors.nothingWaits({});
      try {
        await host.consents.decide({ id, digest: waiting.digest, isApproved, ...(password === undefined ? {} : { password }) });
        const batch = await answer;
        return batch === undefined ? null : await transaction(batch);
      } catch (error) {
        // Refused by this very call.
        if (!isApproved && isCoded(error, 'WALLET_REFUSED')) return null;
        throw error;
      }
    },
    bind: ({ account }) => binding.bind(account), decideBinding: (decision) => binding.decide(decision),
    waiting: () => Promise.resolve({ waiting: host.consents.waiting().map((asked) => question(host, asked)) }),
    settled: async ({ id }) => {
      const now = await transaction(id);
      if (isOver(now.status)) return now;
      const { outbox } = await host.chain();
      await outbox.events.once('changed', { accept: ({ batch, status }) => batch.id === id && isOver(status), signal: AbortSignal.timeout(SETTLE_MS) }).catch(() => undefined);
      return transaction(id);
    },
  };
}

const isOver = (status: string): boolean => ['mined', 'confirmed', 'failed', 'refused'].includes(status);

function importWallet({ wallet }: EconomyHost, { secret, password }: OwnerInput<'import'>): Promise<void> {
  switch (secret.kind) {
    case 'phrase': return wallet.importPhrase(secret.text, password);
    case 'key': return wallet.importKey(secret.text, password);
    case 'keystore': return wallet.importFile(secret.text, { filePassword: secret.password, password });
  }
}

async function callsOf(host: EconomyHost, op: OwnerOp): Promise<readonly Call[]> {
  switch (op.op) {
    case 'slash': return slashCalls(host, op);
    case 'enlist': case 'delist': case 'openCase': case 'addEvidence': case 'draw': case 'vote': case 'reveal': case 'conclude': case 'takeOwed': return committeeCalls(host, op);
    default: return host.planned(op);
  }
}

/** Until it waits for the decision, or cannot be asked. */
async function asked(host: EconomyHost, { what, calls }: { readonly what: string; readonly calls: readonly Call[] }, sent: Map<string, Promise<string>>): Promise<Asked> {
  const id = crypto.randomUUID();
  const answer = host.sender.send({ asker: CLI, id, what, calls });
  sent.set(id, answer);
  const forget = (): void => void setTimeout(() => sent.delete(id), SETTLE_MS).unref();
  answer.then(forget, forget);
  const waits = host.consents.events.once('changed', { accept: (waiting) => waiting.some((one) => one.id === id) });
  await Promise.race([waits, answer.catch((error: unknown) => Promise.reject(toCoded(error)))]);
  const found = host.consents.waiting().find((one) => one.id === id);
  if (found === undefined) throw walletErrors.nothingWaits({});
  return found;
}

/** What somebody else asked for comes into the outbox a moment after it was approved; undefined for what is only signed. */
async function othersBatch(host: EconomyHost, { id, subject }: Asked): Promise<string | undefined> {
  if (subject.kind !== 'batch') return undefined;
  const { outbox } = await host.chain();
  if (outbox.entry(id) === undefined) await outbox.events.once('changed', { accept: ({ batch }) => batch.id === id, signal: AbortSignal.timeout(SETTLE_MS) });
  return id;
}
