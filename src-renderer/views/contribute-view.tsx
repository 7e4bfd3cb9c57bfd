import { CONTRIBUTE_LIMITS, type ContributeFigures, type Contribution, type Served } from '../../src-preload/bridge/index.ts';
import { formatNumber, formatTime, useTexts } from '../language/index.ts';
import { useApp, useHost } from '../stores/context.ts';
import { contributionStatus, whenOf } from '../stores/contribution.ts';
import { formatBytes, formatRange, shortPeer } from '../stores/format.ts';
import { useCommand } from '../stores/use-command.ts';
import { ErrorCard } from '../widgets/error-card.tsx';
import { Earned } from './contribute-earned.tsx';
import { ContributeLimitsForm } from './contribute-limits.tsx';
import { PayLine } from './pay-line.tsx';
import type { PlaceProps } from './places.tsx';

/** What this machine gives to others: whether, to whom, how much, and within which limits. */
export function ContributeView({ onGo }: PlaceProps) {
  const { contribute: texts } = useTexts();
  const now = useHost(({ state }) => state?.contribution);
  if (now === undefined) return <main className="contribute"><p>{texts.unsupported}</p></main>;
  return (
    <main className="contribute">
      <Switch now={now} onGo={onGo} />
      <div className="contribute-columns">
        <ServedNow now={now} />
        <Given now={now} />
      </div>
      <ContributeLimitsForm now={now} />
    </main>
  );
}

function Switch({ now, onGo }: PlaceProps & { readonly now: Contribution }) {
  const { contribute: texts } = useTexts();
  const { client } = useApp();
  const { isBusy, error, run } = useCommand();
  const { isOn, hold, reach } = now;
  const isPaused = hold?.reason === 'paused';
  const pause = () => run(() => (isPaused ? client.call('contribute.resume', {}) : client.call('contribute.pause', { ms: CONTRIBUTE_LIMITS.pauseMs })));
  return (
    <section className="contribute-head" aria-labelledby="contribute-title">
      <h2 id="contribute-title">{texts.title}</h2>
      <p className="contribute-intro">{texts.intro}</p>
      <div className="contribute-switch">
        <button type="button" role="switch" className="give-switch" aria-checked={isOn} aria-describedby="contribute-status" disabled={isBusy} onClick={() => void run(() => client.call('contribute.set', { isOn: !isOn }))}>
          <span className="give-switch-track" aria-hidden="true"><span className="give-switch-knob" /></span>
          {texts.toggle}
        </button>
        {isOn && <button type="button" className="quiet" disabled={isBusy} onClick={() => void pause()}>{isPaused ? texts.resume : texts.pause}</button>}
      </div>
      <p id="contribute-status" className="contribute-status" role="status">{contributionStatus(now, texts, new Date())}</p>
      <PayLine contribution={now} onGo={onGo} />
      {isOn && reach === 'machine' && <p className="contribute-note">{texts.onlyHere}</p>}
      {error !== undefined && <ErrorCard error={error} />}
    </section>
  );
}

function ServedNow({ now: { serving, sessions, lastServed, offers, loaded } }: { readonly now: Contribution }) {
  const { contribute: texts } = useTexts();
  const loadedBytes = loaded.reduce((sum, { bytes }) => sum + bytes, 0);
  return (
    <section className="card" aria-labelledby="contribute-now">
      <h3 id="contribute-now">{texts.now}</h3>
      {serving.length === 0 ? <p className="contribute-note">{texts.nobody}</p> : <ServedTable serving={serving} />}
      {sessions > serving.length && <p className="contribute-note">{texts.more(sessions - serving.length)}</p>}
      {lastServed !== undefined && <p className="contribute-note">{texts.lastServed(lastServed.layers, lastServed.model, lastServed.name ?? shortPeer(lastServed.peerId))} {texts.lastEnded(whenOf(lastServed.at, new Date()))}</p>}
      <h3>{texts.offers}</h3>
      {offers.length === 0 ? <p className="contribute-note">{texts.offersNone}</p> : <ul>{offers.map(({ model, layers, totalLayers }) => <li key={`${model}/${layers.join('/')}`}>{texts.offer(model, layers.map(([first, last]) => texts.range(first, last)).join(', '), totalLayers)}</li>)}</ul>}
      {loadedBytes > 0 && <p className="contribute-note">{texts.loaded(formatBytes(loadedBytes))}</p>}
    </section>
  );
}

function ServedTable({ serving }: { readonly serving: readonly Served[] }) {
  const { contribute: texts } = useTexts();
  return (
    <div className="contribute-table" role="region" aria-labelledby="contribute-now" tabIndex={0}>
      <table>
        <thead><tr>{[texts.machine, texts.model, texts.layersHead, texts.tokens, texts.since].map((head) => <th key={head} scope="col">{head}</th>)}</tr></thead>
        <tbody>
          {serving.map(({ session, peerId, name, model, layers, tokens, since }) => (
            <tr key={`${session}/${layers.join('-')}`}>
              <td title={peerId}>{name ?? shortPeer(peerId)}</td><td>{model}</td><td>{formatRange(layers)}</td><td>{formatNumber(tokens)}</td>
              <td>{formatTime(since, { timeStyle: 'short' })}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Given({ now: { total, sinceStart } }: { readonly now: Contribution }) {
  const { contribute: texts } = useTexts();
  return (
    <section className="card" aria-labelledby="contribute-given">
      <h3 id="contribute-given">{texts.given}</h3>
      {total.sessions === 0 ? <p className="contribute-note">{texts.given0}</p> : <Figures total={total} sinceStart={sinceStart} />}
      <Earned />
    </section>
  );
}

function Figures({ total, sinceStart }: Pick<Contribution, 'total' | 'sinceStart'>) {
  const { contribute: texts } = useTexts();
  const rows: readonly (readonly [string, (figures: ContributeFigures) => string])[] = [
    [texts.givenTokens, ({ tokens }) => formatNumber(tokens)], [texts.givenLayers, ({ layerTokens }) => formatNumber(layerTokens)],
    [texts.givenSessions, ({ sessions }) => formatNumber(sessions)], [texts.givenTime, ({ servedMs }) => texts.duration(servedMs)],
  ];
  return (
    <table className="figures">
      <thead><tr><td /><th scope="col">{texts.inTotal(formatTime(total.since, { dateStyle: 'medium' }))}</th><th scope="col">{texts.sinceStart}</th></tr></thead>
      <tbody>{rows.map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td>{value(total)}</td><td>{value(sinceStart)}</td></tr>)}</tbody>
    </table>
  );
}
