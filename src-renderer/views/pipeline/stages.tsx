import { Fragment } from 'react';
import type { Stage } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { useHost } from '../../stores/context.ts';
import { activitySummary, formatBytes, formatLayers, formatMs, privacyOf, shortPeer } from '../../stores/format.ts';
import { sharesOf } from '../../stores/pipeline.ts';
import { usePulses } from '../../stores/use-pipeline.ts';

/** The model across its machines, in the order in which hidden states flow, with the tokens that flow. */
export function Stages() {
  const { pipeline } = useTexts();
  const stages = useHost((view) => view.state?.stages) ?? [];
  const activity = useHost((view) => view.state?.activity);
  const { pulses, passed } = usePulses(activity?.tokens);
  const paying = useHost((view) => view.state?.paying);
  if (stages.length === 0) return <p className="hint">{pipeline.noStages}</p>;
  const privacy = privacyOf(stages, paying);
  const tokens = activity?.tokens ?? 0;
  const summary = activity === undefined ? '' : activitySummary(activity);
  return (
    <>
      <ol className="flow">
        {stages.map((stage, index) => {
          const next = stages[index + 1];
          return (
            <Fragment key={`${stage.peerId}-${index}`}>
              <StageCard stage={stage} />
              {(next !== undefined || stages.length > 1) && <Wire stage={stage} to={next} index={index} pulses={pulses} onPassed={next === undefined ? passed : undefined} />}
            </Fragment>
          );
        })}
      </ol>
      <TimeSplit stages={stages} />
      <div className="strip-notes">
        {summary !== '' && <p className="strip-activity" data-testid="activity">{summary}</p>}
        <p className="strip-activity" data-testid="tokens">{tokens === 0 ? pipeline.noTokens : pipeline.tokens(tokens)}</p>
        {privacy !== undefined && <p className={privacy.isPrivate ? 'strip-privacy' : 'strip-privacy strip-open'}>{privacy.text}</p>}
      </div>
    </>
  );
}

function StageCard({ stage }: { readonly stage: Stage }) {
  const { pipeline } = useTexts();
  const { layers, peerId, ownership, backend, state, bytesLoaded, msPerToken, waitMsPerToken, mostWaiting } = stage;
  return (
    <li className={`stage stage-${state}`}>
      <span className="stage-head"><strong>{formatLayers(layers)}</strong><span className="stage-state">{pipeline.state[state]}</span></span>
      <span className="stage-owner" title={peerId}>{pipeline.owner[ownership]} <code>{shortPeer(peerId)}</code></span>
      <dl className="pipe-facts">
        <dt>{pipeline.compute}</dt><dd>{msPerToken === undefined ? <span className="hint">{pipeline.unknown}</span> : pipeline.ofToken(formatMs(msPerToken))}</dd>
        {waitMsPerToken !== undefined && <><dt>{pipeline.wait}</dt><dd>{pipeline.ofToken(formatMs(waitMsPerToken))}</dd></>}
        {mostWaiting !== undefined && <><dt>{pipeline.queue}</dt><dd>{mostWaiting}</dd></>}
        <dt>{pipeline.size}</dt><dd>{formatBytes(bytesLoaded)} <span className="hint">{backend.toUpperCase()}</span></dd>
      </dl>
    </li>
  );
}

interface WireProps {
  readonly stage: Stage;
  /** Undefined: back to the first. */
  readonly to: Stage | undefined;
  readonly index: number;
  readonly pulses: readonly number[];
  readonly onPassed: ((pulse: number) => void) | undefined;
}

const HOP_MS = 220;

/** The way to the next stage: what it takes, and a dot for tokens that came just now. */
function Wire({ stage, to, index, pulses, onPassed }: WireProps) {
  const { pipeline } = useTexts();
  const { wireMsPerToken } = stage;
  return (
    <li className="wire" title={pipeline.wireHelp}>
      <span className="wire-line" aria-hidden="true">
        {pulses.map((pulse) => <span key={pulse} className="pulse" style={{ animationDelay: `${index * HOP_MS}ms` }} onAnimationEnd={onPassed === undefined ? undefined : () => onPassed(pulse)} />)}
      </span>
      <span className="wire-text">
        {wireMsPerToken !== undefined && <span>{formatMs(wireMsPerToken)} {pipeline.wire}</span>} <span className="wire-to">{to === undefined ? pipeline.wireBack : <span className="unseen">{pipeline.wireTo(formatLayers(to.layers))}</span>}</span>
      </span>
    </li>
  );
}

/** A bar as long as a token's way round, cut into what it consists of. */
function TimeSplit({ stages }: { readonly stages: readonly Stage[] }) {
  const { pipeline } = useTexts();
  const shares = sharesOf(stages);
  if (shares.length === 0) return null;
  const whole = shares.reduce((sum, { ms }) => sum + ms, 0);
  const NAMES = { compute: pipeline.compute, wait: pipeline.wait, wire: pipeline.wireName } as const;
  const textOf = ({ what, stage, ms }: (typeof shares)[number]): string => pipeline.splitOf(NAMES[what].toLowerCase(), formatLayers(stages[stage]?.layers ?? [0, 0]), formatMs(ms));
  const sums = (['compute', 'wait', 'wire'] as const).flatMap((what) => {
    const ms = shares.filter((share) => share.what === what).reduce((sum, share) => sum + share.ms, 0);
    return ms === 0 ? [] : [{ what, ms }];
  });
  return (
    <div className="split">
      <p className="split-title">{pipeline.split} <span className="hint">{formatMs(whole)} {pipeline.perToken}</span></p>
      <div className="split-bar" role="img" aria-label={shares.map(textOf).join('; ')}>
        {shares.map((share, index) => <span key={index} className={`split-part part-${share.what}`} style={{ flexGrow: share.ms / whole }} title={textOf(share)} />)}
      </div>
      <ul className="chart-legend">{sums.map(({ what, ms }) => <li key={what}><span className={`chart-swatch part-${what}`} aria-hidden="true" />{NAMES[what]} <span className="hint">{formatMs(ms)}</span></li>)}</ul>
    </div>
  );
}
