import { InvitePanel } from './invite-panel.tsx';
import { PeerList } from './peers.tsx';

/** Who is in the mesh, and how others come to it. */
export const NetworkView = ({ onLeave }: { readonly onLeave: () => void }) => (
  <main className="network" onKeyDown={(event) => { if (event.key === 'Escape') onLeave(); }}>
    <section className="card peers-panel" aria-label="Peers"><h2>Peers</h2><PeerList /></section>
    <section className="card peers-panel" aria-label="Joining"><h2>Join machines together</h2><InvitePanel /></section>
  </main>
);
