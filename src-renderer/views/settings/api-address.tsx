import { useTexts } from '../../language/index.ts';
import { useHost } from '../../stores/context.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';
import { ErrorCard } from '../../widgets/error-card.tsx';

/** Where programs of this machine reach the API: in a browser it is where the page is; a window has none of its own. */
export function ApiAddress() {
  const { shell: texts } = useTexts();
  const info = useHost((view) => view.state?.info);
  if (info === undefined) return null;
  if (info.localApi?.kind === 'failed') return <><p className="setup-intro">{texts.apiFailed}</p><ErrorCard error={info.localApi.error} /></>;
  const url = info.localApi?.url ?? (info.mode === 'headless' ? `${location.origin}/v1` : undefined);
  return url === undefined ? null : <dl className="facts"><dt>{texts.apiAddress}</dt><dd><code>{url}</code> <CopyButton text={url} label={texts.copyAddress} /></dd></dl>;
}
