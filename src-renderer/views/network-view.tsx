import { useCallback, useMemo, useRef, useState } from 'react';
import { useTexts } from '../language/index.ts';
import { useHost } from '../stores/context.ts';
import { useJudgement, useNetCheck } from '../stores/network.ts';
import { rowOf } from '../stores/peer-table.ts';
import { peerEntries, type PeerEntry } from '../stores/peers.ts';
import { useCalm } from '../stores/use-calm.ts';
import { InvitePanel } from './invite-panel.tsx';
import { BlockedList } from './network/blocked-list.tsx';
import { Legend } from './network/legend.tsx';
import { PeerDetails } from './network/peer-details.tsx';
import { PeerTable } from './network/peer-table.tsx';
import { Topology } from './network/topology.tsx';
import { WhyPanel } from './network/why-panel.tsx';
import type { PlaceProps } from './places.tsx';
import { StandingView } from './standing.tsx';

/** Figures are not shown anew more often. */
const CALM_MS = 1_000;

function useEntries(): readonly PeerEntry[] {
  const peers = useHost(({ state }) => state?.peers);
  const members = useHost(({ state }) => state?.members);
  const stages = useHost(({ state }) => state?.stages);
  const told = useMemo(() => ({ peers: peers ?? [], members, stages }), [peers, members, stages]);
  const calm = useCalm(told, CALM_MS);
  return useMemo(() => peerEntries(calm), [calm]);
}

const byPeer = (peerId: string): string => `[data-node="${CSS.escape(peerId)}"], [data-peer="${CSS.escape(peerId)}"] .row-name`;

/** Who is in the mesh and how it is reached, who is kept out, why one is missing, and how others come in. */
export function NetworkView({ onGo }: PlaceProps) {
  const { network } = useTexts();
  const standing = useHost(({ state }) => state?.standing);
  const info = useHost(({ state }) => state?.info);
  const stages = useHost(({ state }) => state?.stages);
  const entries = useEntries();
  const judged = useJudgement();
  const rows = useMemo(() => entries.map((entry) => rowOf(entry, judged)), [entries, judged]);
  const stageOrder = useMemo(() => (stages ?? []).map(({ peerId }) => peerId), [stages]);
  const [selected, setSelected] = useState<string>();
  const [said, setSaid] = useState('');
  const [target, setTarget] = useState('');
  const check = useNetCheck();
  const main = useRef<HTMLElement>(null);
  const entry = entries.find(({ peerId }) => peerId === selected);
  const row = rows.find(({ peerId }) => peerId === selected);
  const select = useCallback((peerId: string): void => setSelected(peerId), []);
  const filter = useCallback((): void => main.current?.querySelector<HTMLElement>('#peer-filter')?.focus(), []);
  const close = (): void => {
    const from = selected === undefined ? null : main.current?.querySelector<HTMLElement>(byPeer(selected));
    setSelected(undefined);
    from?.focus();
  };
  const checkPeer = (peerId: string): void => {
    setTarget(peerId);
    check.start(peerId);
    main.current?.querySelector('#why-target')?.scrollIntoView({ block: 'center' });
  };
  return (
    <main ref={main} className="network" onKeyDown={(event) => { if (event.key === 'Escape') onGo('chat'); }}>
      <header className="network-head">
        <h2>{network.title}</h2>
        {standing !== undefined && <StandingView standing={standing} />}
      </header>
      <p className="unseen" role="status">{said}</p>
      <div className="network-top">
        <section className="card map-card" aria-label={network.map}>
          {info === undefined ? <p className="muted">{network.mapLoading}</p> : <Topology rows={rows} stageOrder={stageOrder} selfName={info.name} selected={selected} onSelect={select} onMore={filter} />}
          {rows.length === 0 ? <div className="map-alone"><p><strong>{network.alone}</strong></p><p>{network.aloneNext}</p></div> : <Legend />}
        </section>
        <div className="network-side">
          {entry !== undefined && row !== undefined ? (
            <div className="card"><PeerDetails entry={entry} row={row} judged={judged} onClose={close} onCheck={checkPeer} onChange={setSaid} /></div>
          ) : rows.length > 0 && <p className="details-none">{selected === undefined ? network.detailsNone : network.gone}</p>}
          <section className="card" aria-label={network.join}><h2>{network.join}</h2><InvitePanel /></section>
          {judged.isOffered && <section className="card" aria-label={network.blocked}><h2>{network.blocked}</h2><BlockedList judged={judged} nameOf={(peerId) => entries.find((one) => one.peerId === peerId)?.member?.name} onChange={setSaid} /></section>}
        </div>
      </div>
      {rows.length > 0 && (
        <section className="card" aria-label={network.peers}>
          <h2>{network.peers}</h2>
          <PeerTable rows={rows} selected={selected} onSelect={select} />
          {rows.some(({ reputation }) => reputation !== undefined) && <p className="table-note">{network.reputationNote}</p>}
        </section>
      )}
      {judged.isOffered && <section className="card" aria-label={network.why}><h2>{network.why}</h2><WhyPanel view={check} target={target} onTarget={setTarget} /></section>}
    </main>
  );
}
