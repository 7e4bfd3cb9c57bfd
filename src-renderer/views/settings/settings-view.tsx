import { useEffect, useRef, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { useTexts } from '../../language/index.ts';
import { desk, SECTIONS, type Section } from '../../stores/desk.ts';
import type { PlaceProps } from '../places.tsx';
import { AboutSection } from './about-section.tsx';
import { ApiAddress } from './api-address.tsx';
import { ApiKeys } from './api-keys.tsx';
import { AppearanceSection } from './appearance-section.tsx';
import { DesktopSettings } from './desktop-settings.tsx';
import { DiagnosticsSection } from './diagnostics-section.tsx';
import { HelpSection } from './help-section.tsx';
import { HubToken } from './hub-token.tsx';
import { LogSection } from './log-section.tsx';
import { PaySection } from './pay-section.tsx';
import { SettingsForm } from './settings-form.tsx';

const SECTION: Readonly<Record<Section, (props: PlaceProps) => ReactNode>> = {
  appearance: () => <AppearanceSection />,
  node: () => <><SettingsForm key="node" keys={['name', 'chatOver', 'contextTokens', 'threads', 'gpuLayers', 'logLevel']} /><DesktopSettings /></>,
  network: () => <SettingsForm key="network" keys={['zone', 'mdns', 'listen', 'peers', 'relays', 'relay', 'portMapping', 'fetchLayersFor']} />,
  storage: () => <><SettingsForm key="storage" keys={['storeQuotaBytes', 'uploadBytesPerSecond', 'shareStore', 'bitswap', 'hubUrl']} /><HubToken /></>,
  api: () => <><ApiAddress /><SettingsForm key="api" keys={['httpPort', 'apiOrigins', 'embeddingModel']} /><ApiKeys /></>,
  pay: (props) => <PaySection {...props} />,
  logs: () => <LogSection />,
  diagnostics: () => <DiagnosticsSection />,
  help: () => <HelpSection />,
  about: () => <AboutSection />,
};

/** Everything that an owner sets up, one part at a time. */
export function SettingsView(props: PlaceProps) {
  const { settings } = useTexts();
  const open = useStore(desk, ({ section }) => section);
  const nav = useRef<HTMLElement>(null);
  // Where they are in a row, the one that is open may be out of sight.
  useEffect(() => {
    // Newer browsers return a promise, which an effect must not.
    void nav.current?.querySelector(`[data-section="${open}"]`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [open]);
  return (
    <main className="setup">
      <nav ref={nav} aria-label={settings.sections} className="setup-nav">
        {SECTIONS.map((section) => <button key={section} type="button" data-section={section} aria-current={open === section ? 'page' : undefined} onClick={() => desk.setState({ section })}>{settings[section]}</button>)}
      </nav>
      <section className={`setup-part setup-${open}`} tabIndex={0} aria-labelledby="setup-title">
        <h2 id="setup-title">{settings[open]}</h2>
        {SECTION[open](props)}
      </section>
    </main>
  );
}
