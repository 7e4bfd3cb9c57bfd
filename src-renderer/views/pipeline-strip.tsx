import type { Stage } from '../../src-preload/bridge/index.ts';
import { useHost } from '../stores/context.ts';
import { activitySummary, formatBytes, formatLayers, formatMs, privacyOf, shortPeer } from '../stores/format.ts';

const OWNER: Readonly<Record<Stage['ownership'], string>> = { 'this-machine': 'this machine', own: 'your machine', stranger: 'a stranger’s machine' };

/** The model across its machines, in the order in which hidden states flow. */
export function PipelineStrip() {
  const stages = useHost((view) => view.state?.stages) ?? [];
  const activity = useHost((view) => view.state?.activity);
  if (stages.length === 0) return null;
  const privacy = privacyOf(stages);
  return (
    <section className="strip" aria-label="Pipeline">
      <ol className="strip-stages">
        {stages.map((stage, index) => <StageCard key={`${stage.peerId}-${index}`} stage={stage} />)}
      </ol>
      <div className="strip-notes">
        {privacy !== undefined && <p className={privacy.isPrivate ? 'strip-privacy' : 'strip-privacy strip-open'}>{privacy.text}</p>}
        {activity !== undefined && <p className="strip-activity" data-testid="activity">{activitySummary(activity)}</p>}
      </div>
    </section>
  );
}

function StageCard({ stage }: { readonly stage: Stage }) {
  return (
    <li className={`stage stage-${stage.state}`}>
      <span className="stage-layers">{formatLayers(stage.layers)}</span>
      <span className="stage-facts">{formatBytes(stage.bytesLoaded)} · {stage.backend.toUpperCase()}{stage.msPerToken === undefined ? '' : ` · ${formatMs(stage.msPerToken)}/token`}</span>
      <span className="stage-facts stage-owner" title={stage.peerId}>{OWNER[stage.ownership]} <code>{shortPeer(stage.peerId)}</code></span>
      {stage.state !== 'ready' && <span className="stage-state">{stage.state === 'busy' ? 'computing' : stage.state}</span>}
    </li>
  );
}
