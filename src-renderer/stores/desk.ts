import { createStore } from 'zustand/vanilla';

export const SECTIONS = ['appearance', 'node', 'network', 'storage', 'api', 'logs', 'diagnostics', 'help', 'about'] as const;
export type Section = (typeof SECTIONS)[number];

export interface Desk {
  /** Which part of the settings is open. */
  readonly section: Section;
  /** What lies over the page. */
  readonly sheet: 'none' | 'palette' | 'shortcuts';
}

/** What is open on this page besides its place. */
export const desk = createStore<Desk>(() => ({ section: 'appearance', sheet: 'none' }));
