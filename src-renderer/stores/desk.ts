import { createStore } from 'zustand/vanilla';
import type { CommandInput } from '../../src-preload/bridge/index.ts';

export const SECTIONS = ['appearance', 'node', 'network', 'storage', 'api', 'pay', 'logs', 'diagnostics', 'help', 'about'] as const;
export type Section = (typeof SECTIONS)[number];

export interface Desk {
  /** Which part of the settings is open. */
  readonly section: Section;
  /** What lies over the page. */
  readonly sheet: 'none' | 'palette' | 'shortcuts';
  /** What the wallet is to do when it is next shown: a document of the host's, or where to go, by id. */
  readonly walletAsk: { readonly document: CommandInput<'wallet.show'>['document'] } | { readonly focus: string } | undefined;
}

/** What is open on this page besides its place. */
export const desk = createStore<Desk>(() => ({ section: 'appearance', sheet: 'none', walletAsk: undefined }));
