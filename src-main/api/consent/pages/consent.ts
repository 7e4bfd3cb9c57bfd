import { formatEther } from 'viem';
import type { Asked, BatchSubject, BindingSubject, MessageSubject, PasswordReason, Row, ShownCall, Subject, TypedSubject } from '../../../chain/index.ts';
import { html, type Html } from '../html.ts';
import { TEXTS } from '../texts.ts';
import { CALL_NAMES, FIELD_NAMES } from '../call-names.ts';
import { alert, buttons, form, framed, passwordField } from './frame.ts';
import { grouped, sumText, type PageInit } from './keep.ts';

export interface ConsentPageInit extends PageInit {
  readonly asked: Asked & { readonly passwordNeeded?: PasswordReason };
  /** After this one. */
  readonly more: number;
}

const T = TEXTS.consent;

/** One decision, all of it readable before it is made. */
export function consentPage({ wallet, token, problem, asked, more }: ConsentPageInit): string {
  const { subject, passwordNeeded } = asked;
  const body = html`${alert(problem)}${headOf(asked)}${warningsOf(subject)}${contentOf(subject)}${form({ token: token(), body: decision(passwordNeeded) })}${more > 0 && html`<p class="note">${T.more(more)}</p>`}`;
  return framed({ title: titleOf(subject), wallet, body });
}

const titleOf = (subject: Subject): string => T.titles[subject.kind === 'typed' && subject.isVoucher ? 'voucher' : subject.kind];
const line = (name: Html | string, value: Html | string): Html => html`<dt>${name}</dt><dd>${value}</dd>`;
const clock = (atMs: number): Html => html`<time datetime="${new Date(atMs).toISOString()}">${new Date(atMs).toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })}</time>`;

function headOf({ asker, subject, expiresAtMs }: Asked): Html {
  const { chain } = subject;
  const from = subject.kind === 'batch' ? subject.batch.from : subject.from;
  const badge = chain.kind === 'embedded' ? html` <span class="badge test">${TEXTS.testChain}</span>` : html``;
  const money = subject.kind === 'batch' || subject.spends > 0n ? line(T.spends, html`<span class="amount">${T.sum(grouped(sumText(subject.spends)))}</span>`) : html``;
  const who = `${T.askers[asker.kind]}${asker.name === '' ? '' : `: ${asker.name}`}`;
  return html`<dl>${line(T.who, who)}${line(subject.kind === 'binding' ? T.binding.account : T.account, html`<span class="mono">${from}</span>`)}${line(T.chain, html`${chain.name} (${chain.chainId})${badge}`)}${money}${subject.kind === 'batch' ? costOf(subject) : html``}${line(T.until, clock(expiresAtMs))}</dl>`;
}

function costOf({ batch, simulation: { outcome, reason } }: BatchSubject): Html {
  const result = `${T.outcomes[outcome]}${reason === undefined ? '' : `: ${reason}`}`;
  return html`${line(T.fee, T.coins(formatEther(batch.maxFeeWei)))}${line(T.simulation, result)}`;
}

function warningsOf(subject: Subject): readonly Html[] {
  return subject.warnings.map((warning) => html`<p class="warning">${T.warnings[warning]}</p>`);
}

function contentOf(subject: Subject): Html {
  switch (subject.kind) {
    case 'batch': return batchOf(subject);
    case 'message': return messageOf(subject);
    case 'typed': return typedOf(subject);
    case 'binding': return bindingOf(subject);
  }
}

function batchOf({ calls, sessions }: BatchSubject): Html {
  return html`<h2>${T.calls(calls.length)}</h2>${calls.map((call, index) => callOf(call, index))}${sessions.length > 0 && html`<p class="warning">${T.sessions}</p>`}`;
}

function callOf({ call, contract, name, rows }: ShownCall, index: number): Html {
  const word = name === undefined ? (call.data === '0x' ? T.plainCall : T.unknownCall) : CALL_NAMES[`${contract ?? ''}.${name}`];
  // Words help; what is called is shown all the same.
  const title = html`${T.call(index + 1, word ?? name ?? '')}${word !== undefined && name !== undefined && html` <code class="note">${name}</code>`}`;
  const to = html`${contract !== undefined && html`<strong>${contract}</strong> `}<span class="mono">${call.to}</span>`;
  const value = call.value > 0n ? line(T.value, T.coins(formatEther(call.value))) : html``;
  const raw = call.data === '0x' ? html`` : html`<details><summary>${T.raw}</summary><pre tabindex="0">${call.data}</pre></details>`;
  return html`<section class="call"><h3>${title}</h3><dl>${line(contract === undefined ? T.to : T.contract, to)}${value}${rows.map((row) => rowOf(row, contract !== undefined))}</dl>${raw}</section>`;
}

/** An amount is read in SUM; what is sent stands behind it. */
const rowOf = (row: Row, isKnown: boolean): Html => line(isKnown ? fieldName(row.name) : row.name, row.note?.kind === 'sum' ? html`<strong>${T.sum(grouped(row.note.amount))}</strong> <span class="mono note">${row.value}</span>` : html`<span class="mono">${row.value}</span>${noteOf(row)}`);

/** `caps[1]` is the second of several. */
function fieldName(name: string): Html | string {
  const [, field = '', place] = /^(\w+)\[(\d+)\]$/.exec(name) ?? [undefined, name];
  const word = FIELD_NAMES[field];
  return word === undefined ? name : html`${word}${place !== undefined && ` ${Number(place) + 1}`} <code class="note">${name}</code>`;
}

function noteOf({ note }: Row): Html | undefined {
  switch (note?.kind) {
    case undefined: case 'sum': return undefined;
    case 'text': return html` <strong>(“${note.text}”)</strong>`;
    case 'fault': return html` <strong>(${T.faults[note.evidence]}${note.sessionIds.length > 0 && `: ${note.sessionIds.join(', ')}`})</strong>`;
    case 'contract': return html` <strong>(${note.name})</strong>`;
    case 'own': return html` <strong>(${T.own})</strong>`;
  }
}

const messageOf = ({ text, bytes }: MessageSubject): Html => html`<h2>${text === undefined ? T.bytes : T.message}</h2><pre tabindex="0">${text ?? bytes}</pre>`;

function typedOf({ primaryType, domain, rows, hash, isVoucher }: TypedSubject): Html {
  return html`${isVoucher && html`<p>${T.voucher}</p>`}<h2>${T.domain}</h2><dl>${domain.map((row) => rowOf(row, false))}</dl><h2>${T.content}: ${primaryType}</h2><dl>${rows.map((row) => rowOf(row, false))}</dl><p class="note">${T.hash}: <code>${hash}</code></p>`;
}

function bindingOf({ peer, nodeId, registry, nonce, message }: BindingSubject): Html {
  const B = T.binding;
  const mono = (text: string): Html => html`<span class="mono">${text}</span>`;
  const rows = html`${line(B.node, mono(peer))}${line(B.nodeId, mono(nodeId))}${line(B.contract, html`<strong>NodeRegistry</strong> ${mono(registry)}`)}${line(B.number, String(nonce))}`;
  return html`<h2>${B.means}</h2><p>${B.own}</p><p>${B.back}</p><p>${B.keeps}</p><p>${B.once}</p><h2>${T.content}</h2><dl>${rows}</dl><details><summary>${B.message}</summary><pre tabindex="0">${message}</pre></details>`;
}

function decision(needs: PasswordReason | undefined): Html {
  const proof = needs === undefined
    ? html`<label class="choice"><input type="checkbox" name="read" value="yes" required> ${T.read}</label>`
    : html`<p>${T.needs[needs]}</p>${passwordField({ name: 'password', label: TEXTS.password })}`;
  return html`${proof}${buttons(
    html`<button class="main" type="submit" name="decision" value="approve">${T.approve}</button>`, html`<button type="submit" name="decision" value="refuse" formnovalidate>${T.refuse}</button>`,
  )}`;
}

/** After a decision; there may be another. */
export const decidedPage = ({ wallet, isApproved, path, more }: Pick<PageInit, 'wallet'> & { readonly isApproved: boolean; readonly path: string; readonly more: number }): string => {
  const { title, text } = isApproved ? T.approved : T.refused;
  return framed({ title, wallet, body: html`<p>${text}</p>${more > 0 ? html`<p><a href="${path}">${T.next}</a> (${more})</p>` : html`<p class="note">${TEXTS.close}</p>`}` });
};
