import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { AboutPeer, Member, Peer } from '../../../src-preload/bridge/index.ts';
import { formatNumber, useTexts, type Texts } from '../../language/index.ts';
import { useApp } from '../../stores/context.ts';
import { formatBytes, formatLayers, formatMs, formatUntil, shortPeer } from '../../stores/format.ts';
import type { Judged } from '../../stores/network.ts';
import type { PeerRow } from '../../stores/peer-table.ts';
import { machineSummary, workSummary, type PeerEntry } from '../../stores/peers.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';
import { BlockForm } from './block-form.tsx';
import { bandwidthText, lossText, nameOf, reputationText, rttText } from './peer-words.ts';
import { UnblockButton } from './unblock-button.tsx';

interface PeerDetailsProps {
  readonly entry: PeerEntry;
  readonly row: PeerRow;
  readonly judged: Judged;
  readonly onClose: () => void;
  readonly onCheck: (peerId: string) => void;
  readonly onChange: (text: string) => void;
}

/** All that is known of one node, and what its owner here can do about it. */
export function PeerDetails({ entry, row, judged, onClose, onCheck, onChange }: PeerDetailsProps) {
  const { network } = useTexts();
  const { peerId, stages, link } = entry;
  const heading = useRef<HTMLHeadingElement>(null);
  const about = useAbout(peerId, link?.address);
  useEffect(() => heading.current?.focus(), [peerId]);
  const isHere = stages.some(({ ownership }) => ownership === 'this-machine');
  return (
    <section className="details" aria-label={network.details} onKeyDown={(event) => { if (event.key === 'Escape') { event.stopPropagation(); onClose(); } }}>
      <header className="details-head">
        <h2 ref={heading} tabIndex={-1}>{nameOf(row)}</h2>
        <button type="button" className="quiet" onClick={onClose}>{network.close}</button>
      </header>
      <p className="details-id"><code>{peerId}</code><CopyButton text={peerId} label={network.copyId} /></p>
      <Facts entry={entry} row={row} about={about} isHere={isHere} texts={network} />
      {judged.isOffered && <Actions key={peerId} row={row} isHere={isHere} isConnected={link !== undefined} judged={judged} onCheck={onCheck} onChange={onChange} />}
    </section>
  );
}

/** Where it is said to be; asked for again when its connection is another one. */
function useAbout(peerId: string, address: string | undefined): AboutPeer | undefined {
  const { client } = useApp();
  const [about, setAbout] = useState<{ readonly peerId: string; readonly about: AboutPeer }>();
  useEffect(() => {
    let isWanted = true;
    // Without it the panel says the rest.
    client.call('network.about', { peerId }).then((found) => { if (isWanted) setAbout({ peerId, about: found }); }, () => undefined);
    return () => { isWanted = false; };
  }, [client, peerId, address]);
  return about?.peerId === peerId ? about.about : undefined;
}

interface FactsProps {
  readonly entry: PeerEntry;
  readonly row: PeerRow;
  readonly about: AboutPeer | undefined;
  readonly isHere: boolean;
  readonly texts: Texts['network'];
}

function Facts(props: FactsProps) {
  const { entry: { link }, about, texts } = props;
  return (
    <dl className="detail-facts">
      <LinkFacts {...props} />
      <MachineFacts {...props} />
      <ConductFacts {...props} />
      <dt>{texts.facts.addresses}</dt>
      <dd><Addresses link={link} about={about} texts={texts} /></dd>
    </dl>
  );
}

function LinkFacts({ entry: { link }, row, texts }: FactsProps) {
  const { facts } = texts;
  return (
    <>
      <Fact name={facts.connection} text={link === undefined ? texts.throughOthers : linkText(link, texts)} note={link === undefined ? undefined : <span lang="en">{link.why}</span>} />
      <Fact name={facts.rtt} text={rttText(row)} note={link?.minRttMs === undefined ? undefined : texts.least(formatMs(link.minRttMs))} />
      <Fact name={facts.loss} text={lossText(row)} note={texts.lossMeaning} />
      <Fact name={facts.bandwidth} text={bandwidthText(row)} />
      <Fact name={facts.traffic} text={link?.sentBytes === undefined || link.receivedBytes === undefined ? '' : texts.traffic(formatBytes(link.sentBytes), formatBytes(link.receivedBytes))} />
    </>
  );
}

function MachineFacts({ entry: { member, stages }, isHere, texts }: FactsProps) {
  const { facts } = texts;
  const layers = stages.map((stage) => formatLayers(stage.layers)).join(', ');
  return (
    <>
      <Fact name={facts.machine} text={member === undefined ? '' : machineSummary(member)} />
      <Fact name={facts.work} text={member === undefined ? '' : workSummary(member)} />
      <Fact name={facts.stages} text={isHere ? `${layers}, ${texts.onThisMachine}` : layers} />
      <Fact name={facts.zone} text={member?.zone === undefined ? '' : texts.zones[member.zone]} />
      <Fact name={facts.reached} text={reachedText(member, texts)} />
    </>
  );
}

function reachedText(member: Member | undefined, texts: Texts['network']): string {
  if (member?.reachability === 'public') return texts.reachedFromInternet;
  return member?.reachability === 'private' ? texts.notReachedFromInternet : '';
}

function ConductFacts({ entry: { link, member }, row, about, texts }: FactsProps) {
  const { facts } = texts;
  const known = about?.known;
  return (
    <>
      <Fact name={facts.reputation} text={reputationText(row, texts)} note={row.reputation === undefined ? undefined : texts.reputationMeaning[row.reputation.kind]} />
      <Fact name={facts.score} text={known?.topicScore === undefined ? '' : known.topicScore.toFixed(1)} note={texts.scoreMeaning} />
      <ReceiptFact about={about} texts={texts} />
      <Fact name={facts.seen} text={link !== undefined || known?.seenAt === undefined ? '' : formatUntil(known.seenAt)} />
      <Fact name={facts.since} text={member === undefined ? '' : texts.ago(Date.now() - member.since)} />
      <Fact name={facts.version} text={row.version ?? ''} />
    </>
  );
}

function ReceiptFact({ about, texts }: Pick<FactsProps, 'about' | 'texts'>) {
  if (about?.receipts === undefined) return null;
  const { due, signed, checked, failed } = about.receipts;
  return <Fact name={texts.facts.receipts} text={texts.signed(formatNumber(signed), formatNumber(due))} note={texts.recomputed(formatNumber(checked), formatNumber(failed))} />;
}

const linkText = ({ transport, route, direction }: Peer, texts: Texts['network']): string => [transport, route === 'relayed' ? texts.relayed : texts.direct, texts[direction]].join(', ');

/** Nothing where nothing is known. */
function Fact({ name, text, note }: { readonly name: string; readonly text: string; readonly note?: ReactNode }) {
  if (text === '') return null;
  return <><dt>{name}</dt><dd>{text}{note !== undefined && <span className="fact-note">{note}</span>}</dd></>;
}

function Addresses({ link, about, texts }: { readonly link: Peer | undefined; readonly about: AboutPeer | undefined; readonly texts: Texts['network'] }) {
  const bare = (address: string): string => address.replace(/\/p2p\/([^/]+)$/, (_, id: string) => (address.includes('/p2p-circuit') ? `/p2p/${shortPeer(id)}` : ''));
  const others = (about?.addresses ?? []).filter(({ address }) => bare(address) !== bare(link?.address ?? ''));
  const own = about?.addresses.find(({ address }) => bare(address) === bare(link?.address ?? ''));
  if (link === undefined && others.length === 0) return <>{texts.noAddresses}</>;
  return (
    <ul className="addresses">
      {link !== undefined && <li><code>{bare(link.address)}</code><span className="fact-note">{[texts[link.direction], own === undefined ? '' : texts.proof[own.proof]].filter((part) => part !== '').join(' · ')}</span></li>}
      {others.map(({ address, proof, failures }) => <li key={address}><code>{bare(address)}</code><span className="fact-note">{texts.proof[proof]}{failures > 0 && ` · ${texts.failedThere(failures)}`}</span></li>)}
    </ul>
  );
}

interface ActionsProps {
  readonly row: PeerRow;
  readonly isHere: boolean;
  readonly isConnected: boolean;
  readonly judged: Judged;
  readonly onCheck: (peerId: string) => void;
  readonly onChange: (text: string) => void;
}

function Actions({ row, isHere, isConnected, judged, onCheck, onChange }: ActionsProps) {
  const { network } = useTexts();
  const [isAsking, setAsking] = useState(false);
  const { peerId } = row;
  const ban = judged.blocked.get(peerId);
  const done = (text: string): void => {
    setAsking(false);
    judged.refresh();
    onChange(text);
  };
  if (isAsking) return <div className="ask-block"><h3>{network.blockTitle(nameOf(row))}</h3><BlockForm subject={peerId} onDone={() => done(network.blockedNow(nameOf(row)))} onCancel={() => setAsking(false)} /></div>;
  return (
    <div className="row-actions">
      <button type="button" className="quiet" onClick={() => onCheck(peerId)}>{isConnected ? network.checkThis : network.whyThis}</button>
      {ban === undefined ? !isHere && <button type="button" className="quiet danger" onClick={() => setAsking(true)}>{network.block}</button>
        : <UnblockButton subject={peerId} name={nameOf(row)} onDone={() => done(network.unblockedNow(nameOf(row)))} />}
    </div>
  );
}
