import { parseUnits } from 'viem';
import type { z } from 'zod';
import type { Clock } from '../../base/index.ts';
import { FORMS } from './forms.ts';
import { DOCUMENT_LIMITS } from './options.ts';
import { notice } from './pages/frame.ts';
import { decidedPage } from './pages/consent.ts';
import { filePage, limitText, phrasePage } from './pages/keep.ts';
import type { ConsentDesk, WalletDesk } from './ports.ts';
import { TEXTS } from './texts.ts';
import type { FormToken, Ticket } from './tickets.ts';

export interface Desks {
  readonly wallet: WalletDesk;
  readonly consents: ConsentDesk;
}

export interface Sent extends Desks {
  readonly ticket: Ticket;
  readonly token: FormToken;
  readonly clock: Clock;
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Where the document lies. */
  readonly path: string;
}

/** A page to end with, or what is to be put right in the form. Every failure of the wallet is thrown (WALLET_*). */
export type Answered = { readonly page: string; readonly isOver: boolean } | { readonly problem: string };

const over = (page: string): Answered => ({ page, isOver: true });
const again = (problem: string): Answered => ({ problem });

/** What a sent form does. */
export function answer(sent: Sent): Promise<Answered> | Answered {
  switch (sent.ticket.document) {
    case 'create': return create(sent);
    case 'import': return importIt(sent);
    case 'unlock': return unlock(sent);
    case 'export': return exportIt(sent);
    case 'limits': return sent.action === 'password' ? changePassword(sent) : setLimit(sent);
    case 'consent': return decide(sent);
  }
}

const read = <K extends keyof typeof FORMS>(form: K, { fields }: Sent): z.output<(typeof FORMS)[K]> | undefined => {
  const parsed = FORMS[form].safeParse(fields);
  return parsed.success ? (parsed.data as z.output<(typeof FORMS)[K]>) : undefined;
};

async function create(sent: Sent): Promise<Answered> {
  const form = read('create', sent);
  if (form === undefined) return again(TEXTS.badForm);
  if (form.password !== form.again) return again(TEXTS.notSame);
  const { phrase } = await sent.wallet.create(form.password, form.words);
  return over(phrasePage(phrase, sent.wallet.state()));
}

async function importIt(sent: Sent): Promise<Answered> {
  const form = read('import', sent);
  if (form === undefined) return again(TEXTS.badForm);
  if (form.password !== form.again) return again(TEXTS.notSame);
  const { wallet } = sent;
  const { secret, password, filePassword } = form;
  if (secret.trimStart().startsWith('{')) await wallet.importFile(secret, { filePassword, password });
  else if (/^\s*(0x)?[0-9a-fA-F]{64}\s*$/.test(secret)) await wallet.importKey(secret, password);
  else await wallet.importPhrase(secret, password);
  const state = wallet.state();
  return over(notice({ title: TEXTS.imported.title, text: TEXTS.imported.text(state.status === 'none' ? '' : state.address) }, state));
}

async function unlock(sent: Sent): Promise<Answered> {
  const form = read('unlock', sent);
  if (form === undefined) return again(TEXTS.badForm);
  await sent.wallet.unlock(form.password);
  return over(notice(TEXTS.unlocked, sent.wallet.state()));
}

async function exportIt(sent: Sent): Promise<Answered> {
  const form = read('export', sent);
  if (form === undefined) return again(TEXTS.badForm);
  const { wallet } = sent;
  return over(form.what === 'file' ? filePage(await wallet.exportFile(form.password), wallet.state()) : phrasePage(await wallet.exportPhrase(form.password), wallet.state()));
}

async function setLimit(sent: Sent): Promise<Answered> {
  const form = read('limit', sent);
  if (form === undefined) return again(TEXTS.badForm);
  if (!/^(\d{1,40}(\.\d{1,18})?)?$/.test(form.amount)) return again(TEXTS.limits.badAmount);
  const limit = form.amount === '' ? null : parseUnits(form.amount, 18);
  await sent.wallet.setLimit(limit, form.password);
  return over(notice({ title: TEXTS.limited.title, text: TEXTS.limited.text(limitText(limit)) }, sent.wallet.state()));
}

async function changePassword(sent: Sent): Promise<Answered> {
  const form = read('password', sent);
  if (form === undefined) return again(TEXTS.badForm);
  if (form.new !== form.again) return again(TEXTS.notSame);
  await sent.wallet.changePassword(form.old, form.new);
  return over(notice(TEXTS.changed, sent.wallet.state()));
}

/** Bound to what this very form showed. */
async function decide(sent: Sent): Promise<Answered> {
  const form = read('consent', sent);
  const { token: { consent, shownAtMs }, consents, wallet, path } = sent;
  if (form === undefined || consent === undefined) return again(TEXTS.badForm);
  const isApproved = form.decision === 'approve';
  if (isApproved && sent.clock.monotonicMs() - shownAtMs < DOCUMENT_LIMITS.minAgeMs) return again(TEXTS.tooFast);
  if (isApproved && form.read === undefined && form.password === undefined) return again(TEXTS.notRead);
  await consents.decide({ ...consent, isApproved, ...(form.password === undefined ? {} : { password: form.password }) });
  const more = consents.waiting().length;
  return { page: decidedPage({ wallet: wallet.state(), isApproved, path, more }), isOver: more === 0 };
}
