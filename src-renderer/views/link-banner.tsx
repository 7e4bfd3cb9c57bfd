import { useTexts } from '../language/index.ts';
import { useApp, useHost } from '../stores/context.ts';

/** Says when the page has no line to its node, and what to do. */
export function LinkBanner() {
  const { client } = useApp();
  const texts = useTexts().status;
  const link = useHost((view) => view.link);
  if (link === 'online') return null;
  if (link === 'refused') {
    return <div className="banner banner-bad" role="alert">{texts.noKey}</div>;
  }
  if (link === 'connecting') return <div className="banner" role="status">{texts.connecting}</div>;
  return (
    <div className="banner banner-bad" role="alert">
      {texts.lost}
      <button type="button" className="quiet" onClick={() => client.retryNow()}>{texts.tryNow}</button>
    </div>
  );
}
