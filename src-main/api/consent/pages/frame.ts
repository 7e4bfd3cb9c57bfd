import type { WalletStanding } from '../../../chain/index.ts';
import { Html as Markup, html, type Html } from '../html.ts';
import { STYLE } from '../style.ts';
import { TEXTS } from '../texts.ts';

export interface Frame {
  readonly title: string;
  readonly body: Html;
  readonly wallet?: WalletStanding;
}

const style = new Markup(`<style>${STYLE}</style>`);

/** A whole document. */
export function framed({ title, body, wallet }: Frame): string {
  const address = wallet === undefined || wallet.status === 'none' ? undefined : html`<span class="mono">${wallet.address}</span>`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<title>${title} - ${TEXTS.title}</title>${style}</head>
<body><header><strong>${TEXTS.title}</strong>${address}</header><main><h1>${title}</h1>${body}</main></body></html>
`.markup;
}

/** What went wrong, first thing in the document. */
export const alert = (text: string | undefined): Html | undefined => (text === undefined ? undefined : html`<p class="alert" role="alert">${text}</p>`);

/** A document with nothing more to do. */
export const notice = ({ title, text }: { readonly title: string; readonly text: string }, wallet?: WalletStanding): string =>
  framed({ title, body: html`<p>${text}</p><p class="note">${TEXTS.close}</p>`, ...(wallet === undefined ? {} : { wallet }) });

interface FormInit {
  readonly token: string;
  readonly action?: string;
  readonly body: Html;
}

/** Sent to where the document came from. */
export const form = ({ token, action = 'main', body }: FormInit): Html =>
  html`<form method="post" autocomplete="off"><input type="hidden" name="token" value="${token}"><input type="hidden" name="action" value="${action}">${body}</form>`;

interface PasswordInit {
  readonly name: string;
  readonly label: string;
  readonly isNew?: boolean;
  readonly hint?: string;
  readonly isOptional?: boolean;
  /** The first field of a document. */
  readonly isFirst?: boolean;
}

export function passwordField({ name, label, isNew = false, hint, isOptional = false, isFirst = false }: PasswordInit): Html {
  const flags = new Markup(`${isOptional ? '' : ' required'}${isFirst ? ' autofocus' : ''}`);
  return html`<label for="${name}">${label}</label><input id="${name}" name="${name}" type="password" maxlength="1000" autocomplete="${isNew ? 'new-password' : 'current-password'}" spellcheck="false"${hintRef(name, hint)}${flags}>${hintOf(name, hint)}`;
}

export const hintRef = (name: string, hint: string | undefined): Html | undefined => (hint === undefined ? undefined : html` aria-describedby="${name}-hint"`);
export const hintOf = (name: string, hint: string | undefined): Html | undefined => (hint === undefined ? undefined : html`<p class="note" id="${name}-hint">${hint}</p>`);

export const buttons = (...all: readonly Html[]): Html => html`<div class="buttons">${all}</div>`;
export const submit = (text: string): Html => buttons(html`<button class="main" type="submit">${text}</button>`);
