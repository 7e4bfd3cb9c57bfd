import { useHost } from '../stores/context.ts';
import { formatLayers, shortPeer } from '../stores/format.ts';
import { linkFigures, machineSummary, peerEntries, workSummary, type PeerEntry } from '../stores/peers.ts';
import { memberStanding } from '../stores/standing.ts';
import type { Standing } from '../../src-preload/bridge/index.ts';
import { StandingView } from './standing.tsx';

/** Where this node stands, who is in the mesh, what each machine has and runs, and how it is reached. */
export function PeerList() {
  const peers = useHost((view) => view.state?.peers) ?? [];
  const members = useHost((view) => view.state?.members);
  const stages = useHost((view) => view.state?.stages);
  const standing = useHost((view) => view.state?.standing);
  const entries = peerEntries({ peers, members, stages });
  return (
    <>
      {standing !== undefined && <StandingView standing={standing} />}
      {entries.length === 0 ? <p>No other node is here.</p> : <ul>{entries.map((entry) => <PeerRow key={entry.peerId} entry={entry} standing={standing} />)}</ul>}
    </>
  );
}

function PeerRow({ entry: { peerId, link, member, stages }, standing }: { readonly entry: PeerEntry; readonly standing: Standing | undefined }) {
  const work = member === undefined ? '' : workSummary(member);
  const isHere = stages.some((stage) => stage.ownership === 'this-machine');
  return (
    <li>
      <span className="peer-name">{member?.name !== undefined && <strong>{member.name}</strong>}<code title={peerId}>{shortPeer(peerId)}</code></span>
      <span className="peer-link" title={link?.why}>{link === undefined ? 'through others' : link.transport}{link?.route === 'relayed' && ' · relayed'}{link !== undefined && linkFigures(link).map((figure) => ` · ${figure}`)}</span>
      {member !== undefined && <span className="peer-facts">{[machineSummary(member), ...memberStanding(member, standing)].join(' · ')}</span>}
      {work !== '' && <span className="peer-facts">{work}</span>}
      {stages.length > 0 && <span className="peer-facts">{stages.map(({ layers }) => formatLayers(layers)).join(', ')} of this chat{isHere && ', on this machine'}</span>}
      {link !== undefined && <span className="peer-address">{link.address}</span>}
    </li>
  );
}
