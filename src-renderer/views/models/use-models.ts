import { useEffect, useState } from 'react';
import { HostError, type ModelList, type WireError } from '../../../src-preload/bridge/index.ts';
import { useApp, useHost } from '../../stores/context.ts';

export interface Listed {
  /** The last one known, also while another is asked for. */
  readonly list: ModelList | undefined;
  readonly error: WireError | undefined;
}

/** The models that are here, asked for again whenever the host says that they changed; with other machines' memory where that matters. */
export function useModelList(): Listed {
  const { client } = useApp();
  const revision = useHost((view) => view.state?.models?.revision);
  const isOnline = useHost((view) => view.link === 'online');
  const served = useHost((view) => view.state?.info.model?.name);
  const [listed, setListed] = useState<Listed>({ list: undefined, error: undefined });
  useEffect(() => {
    if (!isOnline) return undefined;
    let isCurrent = true;
    const ask = async (): Promise<void> => {
      const list = await client.call('models.list', { ask: false });
      if (isCurrent) setListed({ list, error: undefined });
      if (!isCurrent || list.models.every(({ fit }) => fit === undefined || fit.fits === 'here')) return;
      const asked = await client.call('models.list', { ask: true });
      if (isCurrent) setListed({ list: asked, error: undefined });
    };
    ask().catch((error: unknown) => { if (isCurrent && error instanceof HostError) setListed((before) => ({ ...before, error: error.wire })); });
    return () => { isCurrent = false; };
  }, [client, isOnline, revision, served]);
  return listed;
}
