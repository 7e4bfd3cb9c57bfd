import { formatUnits } from 'viem';
import { WALLET_LIMITS, type WalletStanding } from '../../../chain/index.ts';
import { html, type Html } from '../html.ts';
import { TEXTS } from '../texts.ts';
import { alert, form, framed, hintOf, hintRef, passwordField, submit } from './frame.ts';

/** What every document is made of. */
export interface PageInit {
  readonly wallet: WalletStanding;
  /** One for each form of the document. */
  readonly token: () => string;
  readonly problem?: string;
}

const { least } = WALLET_LIMITS.passwordChars;
const newPasswords = (isFirst: boolean): Html => html`${passwordField({ name: 'password', label: TEXTS.newPassword, isNew: true, hint: TEXTS.passwordHint(least), isFirst })}${passwordField({ name: 'again', label: TEXTS.passwordAgain, isNew: true })}`;
const choice = ({ name, value, text, isChosen }: { readonly name: string; readonly value: string; readonly text: string; readonly isChosen: boolean }): Html =>
  html`<label class="choice"><input type="radio" name="${name}" value="${value}"${isChosen ? html` checked` : undefined}> ${text}</label>`;

export function createPage({ wallet, token, problem }: PageInit): string {
  const { title, text, words, words24, words12, submit: send } = TEXTS.create;
  const lengths = html`<fieldset><legend>${words}</legend>${choice({ name: 'words', value: '24', text: words24, isChosen: true })}${choice({ name: 'words', value: '12', text: words12, isChosen: false })}</fieldset>`;
  return framed({ title, wallet, body: html`${alert(problem)}<p>${text}</p>${form({ token: token(), body: html`${newPasswords(true)}${lengths}${submit(send)}` })}` });
}

export function importPage({ wallet, token, problem }: PageInit): string {
  const { title, secret, secretHint, filePassword, filePasswordHint, submit: send } = TEXTS.import;
  const field = html`<label for="secret">${secret}</label><textarea id="secret" name="secret" required autofocus maxlength="20000" autocomplete="off" autocapitalize="none" spellcheck="false"${hintRef('secret', secretHint)}></textarea>${hintOf('secret', secretHint)}`;
  const body = html`${field}${passwordField({ name: 'filePassword', label: filePassword, hint: filePasswordHint, isOptional: true })}${newPasswords(false)}${submit(send)}`;
  return framed({ title, wallet, body: html`${alert(problem)}${form({ token: token(), body })}` });
}

export const unlockPage = ({ wallet, token, problem }: PageInit): string =>
  framed({ title: TEXTS.unlock.title, wallet, body: html`${alert(problem)}${form({ token: token(), body: html`${passwordField({ name: 'password', label: TEXTS.password, isFirst: true })}${submit(TEXTS.unlock.submit)}` })}` });

export function exportPage({ wallet, token, problem }: PageInit): string {
  const { title, what, file, phrase, submit: send } = TEXTS.export;
  const hasPhrase = wallet.status !== 'none' && wallet.hasPhrase;
  const kinds = html`<fieldset><legend>${what}</legend>${choice({ name: 'what', value: 'file', text: file, isChosen: true })}${hasPhrase && choice({ name: 'what', value: 'phrase', text: phrase, isChosen: false })}</fieldset>`;
  return framed({ title, wallet, body: html`${alert(problem)}${form({ token: token(), body: html`${kinds}${passwordField({ name: 'password', label: TEXTS.password })}${submit(send)}` })}` });
}

/** As a number is read: 1,000,000.5 */
export const grouped = (amount: string): string => amount.replace(/^\d+/, (whole) => whole.replace(/\B(?=(?:\d{3})+$)/g, ','));
export const sumText = (units: bigint): string => formatUnits(units, 18);
export const limitText = (units: bigint | null): string => (units === null ? TEXTS.limits.none : sumText(units));

export function limitsPage({ wallet, token, problem }: PageInit): string {
  const { title, section, text, now, amount, amountHint, submit: send, passwordSection, old, change } = TEXTS.limits;
  if (wallet.status === 'none') return framed({ title, body: html`` });
  const { perDayUnits, todayUnits } = wallet.spend;
  const field = html`<label for="amount">${amount}</label><input id="amount" name="amount" inputmode="decimal" maxlength="60" autocomplete="off" value="${perDayUnits === null ? '' : sumText(perDayUnits)}"${hintRef('amount', amountHint)}>${hintOf('amount', amountHint)}`;
  const limit = form({ token: token(), action: 'limit', body: html`${field}${passwordField({ name: 'password', label: TEXTS.password })}${submit(send)}` });
  const fields = html`${passwordField({ name: 'old', label: old })}${passwordField({ name: 'new', label: TEXTS.newPassword, isNew: true, hint: TEXTS.passwordHint(least) })}${passwordField({ name: 'again', label: TEXTS.passwordAgain, isNew: true })}${submit(change)}`;
  const body = html`${alert(problem)}<h2>${section}</h2><p>${now(grouped(sumText(todayUnits)), grouped(limitText(perDayUnits)))}</p><p>${text}</p>${limit}<h2>${passwordSection}</h2>${form({ token: token(), action: 'password', body: fields })}`;
  return framed({ title, wallet, body });
}

/** The words, shown once. */
export function phrasePage(phrase: string, wallet: WalletStanding): string {
  const { title, text, list } = TEXTS.phrase;
  const words = phrase.split(' ').map((word) => html`<li>${word}</li>`);
  return framed({ title, wallet, body: html`<p class="warning">${text}</p><ol class="phrase" aria-label="${list}">${words}</ol><p class="note">${TEXTS.close}</p>` });
}

export function filePage(file: string, wallet: WalletStanding): string {
  const { title, text, label } = TEXTS.exported;
  return framed({ title, wallet, body: html`<p>${text}</p><label for="file">${label}</label><textarea id="file" readonly rows="24" spellcheck="false">${file}</textarea><p class="note">${TEXTS.close}</p>` });
}
