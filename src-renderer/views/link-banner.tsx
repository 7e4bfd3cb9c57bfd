import { useApp, useHost } from '../stores/context.ts';

/** Says when the page has no line to its node, and what to do. */
export function LinkBanner() {
  const { client } = useApp();
  const link = useHost((view) => view.link);
  if (link === 'online') return null;
  if (link === 'refused') {
    return <div className="banner banner-bad" role="alert">This page has no valid key. Open the link that <code>npm start</code> or <code>omninode serve</code> printed.</div>;
  }
  if (link === 'connecting') return <div className="banner" role="status">Connecting to your node …</div>;
  return (
    <div className="banner banner-bad" role="alert">
      The connection to your node was lost. Trying again …
      <button type="button" className="quiet" onClick={() => client.retryNow()}>Try now</button>
    </div>
  );
}
