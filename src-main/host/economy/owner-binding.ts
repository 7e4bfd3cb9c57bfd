import { toCoded } from '../../base/index.ts';
import { walletErrors, type Asked } from '../../chain/index.ts';
import type { OwnerInput, OwnerOutput } from '../../api/index.ts';
import type { EconomyHost } from './economy-host.ts';
import { question } from './owner-question.ts';
import { checkedAccount } from './planned.ts';

const CLI = { kind: 'cli', name: 'omninode' } as const;

/** The node given to an account of another wallet, decided in a terminal. */
export function ownerBinding(host: EconomyHost) {
  const isOf = (account: string) => ({ subject }: Asked): boolean => subject.kind === 'binding' && subject.from.toLowerCase() === account.toLowerCase();
  const callFor = async (account: string): Promise<NonNullable<OwnerOutput<'decideBinding'>>> => {
    const { to, data } = await (await host.chain()).planBinding(checkedAccount(account), host.bindings.signerFor(checkedAccount(account)));
    return { to, data };
  };
  return {
    async bind(account: string): Promise<OwnerOutput<'bind'>> {
      const answer = host.bindings.ask(await host.chain(), checkedAccount(account), CLI);
      answer.catch(() => undefined);
      const waits = host.consents.events.once('changed', { accept: (waiting) => waiting.some(isOf(account)) });
      // Approved before, or not to be asked.
      const isApproved = host.consents.waiting().some(isOf(account)) ? false : await Promise.race([waits.then(() => false), answer.then(() => true, (error: unknown) => Promise.reject(toCoded(error)))]);
      if (isApproved) return { is: 'approved', call: await callFor(account) };
      const found = host.consents.waiting().find(isOf(account));
      if (found === undefined) throw walletErrors.nothingWaits({});
      return { is: 'asked', question: question(host, found) };
    },
    async decide({ id, account, isApproved, password }: OwnerInput<'decideBinding'>): Promise<OwnerOutput<'decideBinding'>> {
      const waiting = host.consents.waiting().find((one) => one.id === id && isOf(account)(one));
      if (waiting === undefined) throw walletErrors.nothingWaits({});
      await host.consents.decide({ id, digest: waiting.digest, isApproved, ...(password === undefined ? {} : { password }) });
      if (!isApproved) return null;
      // The same decision: it is kept when this resolves.
      await host.bindings.ask(await host.chain(), checkedAccount(account), CLI);
      return await callFor(account);
    },
  };
}
