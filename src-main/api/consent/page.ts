import { isCoded } from '../../base/index.ts';
import type { Desks } from './answer.ts';
import { consentPage } from './pages/consent.ts';
import { notice } from './pages/frame.ts';
import { createPage, exportPage, importPage, limitsPage, unlockPage } from './pages/keep.ts';
import { TEXTS } from './texts.ts';
import type { Ticket } from './tickets.ts';

const PAGES = { create: createPage, import: importPage, unlock: unlockPage, export: exportPage, limits: limitsPage } as const;

/** The document of a ticket as it stands now, with forms that can be sent once. */
export function pageOf({ wallet, consents }: Desks, ticket: Ticket, problem?: string): string {
  const said = problem === undefined ? {} : { problem };
  const state = wallet.state();
  if (ticket.document !== 'consent') return PAGES[ticket.document]({ wallet: state, token: () => ticket.issue(), ...said });
  const asked = currentOf(consents);
  if (asked === undefined) return notice(TEXTS.gone, state);
  return consentPage({ wallet: state, asked, more: consents.waiting().length - 1, token: () => ticket.issue({ id: asked.id, digest: asked.digest }), ...said });
}

function currentOf(consents: Desks['consents']): ReturnType<Desks['consents']['current']> | undefined {
  try {
    return consents.current();
  } catch (error) {
    if (isCoded(error, 'WALLET_NOTHING_WAITS')) return undefined;
    throw error;
  }
}
