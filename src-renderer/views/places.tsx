import { lazy, Suspense, type ReactNode } from 'react';
import type { Texts } from '../language/index.ts';
import { ChatView } from './chat-view.tsx';
import { ModelsView } from './models/models-view.tsx';
import { ContributeView } from './contribute-view.tsx';
import { NetworkView } from './network-view.tsx';
import { PipelineView } from './pipeline/pipeline-view.tsx';
import { WalletView } from './wallet/wallet-view.tsx';

const SettingsView = lazy(async () => ({ default: (await import('./settings/settings-view.tsx')).SettingsView }));

/** Keys of the texts too. */
export type Place = 'chat' | 'network' | 'models' | 'pipeline' | 'contribute' | 'wallet' | 'settings';

export interface PlaceProps {
  readonly onGo: (place: Place) => void;
}

interface PlaceEntry {
  readonly place: Place;
  readonly name: (texts: Texts) => string;
  /** Strokes in a square of 24. */
  readonly icon: string;
  readonly view: (props: PlaceProps) => ReactNode;
}

/** What the page consists of, in the order of the rail; Alt and the number go there. */
export const PLACES: readonly PlaceEntry[] = [
  { place: 'chat', name: ({ frame }) => frame.chat, icon: 'M4 5h16v11H9l-5 4z', view: ChatView },
  { place: 'network', name: ({ frame }) => frame.network, icon: 'M12 5v5M12 10l-6 7M12 10l6 7M10 5a2 2 0 1 0 4 0a2 2 0 1 0-4 0M4 18a2 2 0 1 0 4 0a2 2 0 1 0-4 0M16 18a2 2 0 1 0 4 0a2 2 0 1 0-4 0', view: NetworkView },
  { place: 'models', name: ({ frame }) => frame.models, icon: 'M12 3l8 4.5l-8 4.5l-8-4.5zM4 12l8 4.5l8-4.5M4 16.5l8 4.5l8-4.5', view: ModelsView },
  { place: 'pipeline', name: ({ frame }) => frame.pipeline, icon: 'M3 8h4v8H3zM10 8h4v8h-4zM17 8h4v8h-4zM7 12h3M14 12h3', view: PipelineView },
  { place: 'contribute', name: ({ frame }) => frame.contribute, icon: 'M12 20s-7-4.4-7-10a4 4 0 0 1 7-2.6A4 4 0 0 1 19 10c0 5.6-7 10-7 10z', view: ContributeView },
  { place: 'wallet', name: ({ frame }) => frame.wallet, icon: 'M4 7h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zM4 7l11-3v3M15.5 13h.01', view: WalletView },
  { place: 'settings', name: ({ frame }) => frame.settings, icon: 'M4 7h9M17 7h3M4 17h3M11 17h9M13 7a2 2 0 1 0 4 0a2 2 0 1 0-4 0M7 17a2 2 0 1 0 4 0a2 2 0 1 0-4 0', view: (props) => <Suspense><SettingsView {...props} /></Suspense> },
];
