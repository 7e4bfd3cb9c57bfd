import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { useState } from 'react';
import type { Earnings } from '../../../src-preload/bridge/index.ts';
import { formatNumber, formatTime, useTexts } from '../../language/index.ts';
import { drawn } from '../../stores/units.ts';
import { Amount } from './amount.tsx';

type Point = Earnings['points'][number];

const HEIGHT_PX = 190;
const TICK = { fill: 'var(--muted)', fontSize: 11 } as const;
const dayOf = (unixMs: number): string => formatTime(unixMs, { month: 'short', day: 'numeric' });
const NARROW = 1;

/** Pay and rewards over time; the drawing is by rough numbers, what is read of it is exact. */
export function EarningsChart({ earned: { points } }: { readonly earned: Earnings }) {
  const { earnings } = useTexts();
  const [isTable, setTable] = useState(false);
  const rows = points.map((point) => ({ ...point, drawnPay: drawn(point.pay), drawnReward: drawn(point.reward) }));
  return (
    <figure className="earned-chart">
      <figcaption>
        <h3>{earnings.over}</h3>
        <ul className="legend"><li><span className="earned-swatch earned-pay" aria-hidden="true" />{earnings.pay}</li><li><span className="earned-swatch earned-reward" aria-hidden="true" />{earnings.reward}</li></ul>
      </figcaption>
      <div aria-hidden="true">
        <ResponsiveContainer width="100%" height={HEIGHT_PX}>
          <BarChart data={rows} margin={{ top: 8, right: 4, bottom: 0, left: 0 }} accessibilityLayer={false}>
            <CartesianGrid vertical={false} stroke="var(--line)" />
            <XAxis dataKey="atMs" tickFormatter={dayOf} tick={TICK} stroke="var(--line)" minTickGap={40} />
            <YAxis domain={[0, 'auto']} tickFormatter={(value: number) => formatNumber(value, value !== 0 && value < NARROW ? 2 : 0)} tick={TICK} stroke="var(--line)" width={48} tickCount={4} />
            <Tooltip content={({ active, payload }) => (active === true ? <Hint point={payload[0]?.payload as Point | undefined} /> : null)} cursor={{ fill: 'var(--accent-soft)' }} isAnimationActive={false} />
            <Bar dataKey="drawnPay" stackId="earned" fill="var(--series-1)" isAnimationActive={false} />
            <Bar dataKey="drawnReward" stackId="earned" fill="var(--series-2)" isAnimationActive={false} />
          </BarChart>
        </ResponsiveContainer>
      </div>
      <details className="earned-table" onToggle={(event) => setTable(event.currentTarget.open)}>
        <summary>{earnings.asTable}</summary>
        {isTable && <PointTable points={points} />}
      </details>
    </figure>
  );
}

function Hint({ point }: { readonly point: Point | undefined }) {
  const { earnings } = useTexts();
  if (point === undefined) return null;
  return <div className="earned-hint"><p>{formatTime(point.atMs)}</p><p>{earnings.pay} <Amount units={point.pay} /></p><p>{earnings.reward} <Amount units={point.reward} /></p></div>;
}

/** The same for who does not see the drawing, the newest first; days without anything are left out. */
function PointTable({ points }: { readonly points: readonly Point[] }) {
  const { earnings } = useTexts();
  const told = points.filter(({ pay, reward }) => pay !== '0' || reward !== '0').toReversed();
  return (
    <div className="wallet-table" tabIndex={0} role="region" aria-label={earnings.asTable}>
      <table>
        <thead><tr><th scope="col">{earnings.day}</th><th scope="col">{earnings.pay}</th><th scope="col">{earnings.reward}</th></tr></thead>
        <tbody>{told.map(({ atMs, pay, reward }) => <tr key={atMs}><th scope="row">{formatTime(atMs)}</th><td><Amount units={pay} /></td><td><Amount units={reward} /></td></tr>)}</tbody>
      </table>
    </div>
  );
}
