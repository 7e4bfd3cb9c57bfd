import { useState } from 'react';
import { CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import type { PipelineSample } from '../../../src-preload/bridge/index.ts';
import { formatTime, useTexts, type Texts } from '../../language/index.ts';
import { formatBytes, formatMs, formatRate } from '../../stores/format.ts';
import { rowsOf, type Row } from '../../stores/pipeline.ts';
import { useSamples, type Samples } from '../../stores/use-pipeline.ts';

type Figure = Exclude<keyof Row, 'atMs'>;

interface Series {
  readonly figure: Figure;
  readonly name: string;
}

interface ChartSpec {
  readonly title: string;
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** Values of single moments: dots, and no line between them. */
  readonly isDots?: true;
}

const SPANS = [300_000, 900_000, 3_600_000] as const;
const HEIGHT_PX = 170;
/** Told apart without colour too. */
const STYLES = [{ stroke: 'var(--series-1)' }, { stroke: 'var(--series-2)', strokeDasharray: '6 3' }, { stroke: 'var(--series-3)', strokeDasharray: '2 3' }] as const;

const formatBandwidth = (value: number): string => `${formatBytes(value)}/s`;

const chartsOf = (texts: Texts['pipeline']): readonly ChartSpec[] => [
  { title: texts.speed, format: formatRate, series: [{ figure: 'tokensPerSecond', name: texts.all }] },
  { title: texts.firstToken, format: formatMs, isDots: true, series: [{ figure: 'ttftMs', name: texts.mean }] },
  { title: texts.bandwidth, format: formatBandwidth, series: [{ figure: 'sentBytesPerSecond', name: texts.sent }, { figure: 'receivedBytesPerSecond', name: texts.received }, { figure: 'stageBytesPerSecond', name: texts.between }] },
  { title: texts.memory, format: formatBytes, series: [{ figure: 'hostBytes', name: texts.host }, { figure: 'stagesBytes', name: texts.nodes }] },
];

/** What was measured over the last minutes or hour, going on. */
export function Charts() {
  const { pipeline } = useTexts();
  const [spanMs, setSpan] = useState<(typeof SPANS)[number]>(SPANS[0]);
  const known = useSamples(spanMs);
  return (
    <>
      <div className="card-head">
        <h2 id="pipeline-charts">{pipeline.charts}</h2>
        <div className="chart-choice" role="group" aria-label={pipeline.span}>
          {SPANS.map((span) => <button key={span} type="button" className="quiet" aria-pressed={span === spanMs} onClick={() => setSpan(span)}>{pipeline.spans[span]}</button>)}
        </div>
      </div>
      <p className="hint">{pipeline.chartsText}</p>
      {known === undefined || known.samples.length === 0
        ? <p className="hint" role="status">{pipeline.noSamples}</p>
        : <div className="charts">{chartsOf(pipeline).map((spec) => <Chart key={spec.title} spec={spec} known={known} spanMs={spanMs} />)}</div>}
    </>
  );
}

function Chart({ spec, known, spanMs }: { readonly spec: ChartSpec; readonly known: Samples; readonly spanMs: number }) {
  const { pipeline } = useTexts();
  const [isTable, setTable] = useState(false);
  const { samples, stepMs } = known;
  const rows = spec.isDots === true ? samples : rowsOf(samples, stepMs);
  const endMs = samples.at(-1)?.atMs ?? 0;
  return (
    <figure className="chart">
      <figcaption>
        <strong>{spec.title}</strong>
        <ul className="chart-legend">{spec.series.map((series, index) => <LegendItem key={series.figure} series={series} style={index} newest={newestOf(samples, series.figure)} spec={spec} />)}</ul>
      </figcaption>
      <div aria-hidden="true">
        <ResponsiveContainer width="100%" height={HEIGHT_PX}>
          <LineChart data={[...rows]} margin={{ top: 8, right: 8, bottom: 0, left: 0 }} accessibilityLayer={false}>
            <CartesianGrid vertical={false} stroke="var(--line)" />
            <XAxis dataKey="atMs" type="number" domain={[endMs - spanMs, endMs]} allowDataOverflow tickFormatter={clockTime} tickCount={4} tick={TICK} stroke="var(--line)" minTickGap={48} />
            <YAxis domain={[0, 'auto']} tickFormatter={(value: number) => (value === 0 ? '0' : spec.format(value))} tick={TICK} stroke="var(--line)" width={76} tickCount={4} />
            <Tooltip content={({ active, payload }) => (active === true ? <Hint row={payload[0]?.payload as Row | undefined} spec={spec} /> : null)} cursor={{ stroke: 'var(--muted)', strokeDasharray: '2 3' }} isAnimationActive={false} />
            {spec.series.map(({ figure, name }, index) => (
              <Line
                key={figure} dataKey={figure} name={name} type="stepBefore" connectNulls={false} isAnimationActive={false} {...STYLES[index]}
                strokeWidth={spec.isDots === true ? 0 : 2} dot={spec.isDots === true ? { r: 3.5, fill: 'var(--series-1)', stroke: 'none' } : false} activeDot={{ r: 4 }}
              />
            ))}
          </LineChart>
        </ResponsiveContainer>
      </div>
      <details className="as-table" onToggle={(event) => setTable(event.currentTarget.open)}>
        <summary>{pipeline.asTable(spec.title)}</summary>
        {isTable && <SampleTable samples={samples} spec={spec} />}
      </details>
    </figure>
  );
}

const TICK = { fill: 'var(--muted)', fontSize: 11 } as const;

const clockTime = (unixMs: number): string => formatTime(unixMs, { hour: '2-digit', minute: '2-digit' });
const exactTime = (unixMs: number): string => formatTime(unixMs, { timeStyle: 'medium' });

const newestOf = (samples: readonly PipelineSample[], figure: Figure): number | undefined => samples.findLast((sample) => sample[figure] !== undefined)?.[figure];

function LegendItem({ series, style, newest, spec }: { readonly series: Series; readonly style: number; readonly newest: number | undefined; readonly spec: ChartSpec }) {
  const { pipeline } = useTexts();
  return (
    <li>
      <svg className="swatch-line" viewBox="0 0 18 8" width="18" height="8" aria-hidden="true">{spec.isDots === true ? <circle cx="9" cy="4" r="3.5" fill="var(--series-1)" /> : <line x1="0" y1="4" x2="18" y2="4" strokeWidth="2.5" {...STYLES[style]} />}</svg>
      {series.name} <span className="newest">{newest === undefined ? pipeline.none : spec.format(newest)}</span>
    </li>
  );
}

function Hint({ row, spec }: { readonly row: Row | undefined; readonly spec: ChartSpec }) {
  const shown = spec.series.flatMap(({ figure, name }) => (row?.[figure] === undefined ? [] : [{ name, text: spec.format(row[figure]) }]));
  if (row === undefined || shown.length === 0) return null;
  return <div className="chart-hint"><p>{exactTime(row.atMs)}</p>{shown.map(({ name, text }) => <p key={name}>{name} <strong>{text}</strong></p>)}</div>;
}

/** The same figures for who does not see the drawing; the newest first. */
function SampleTable({ samples, spec }: { readonly samples: readonly PipelineSample[]; readonly spec: ChartSpec }) {
  const { pipeline } = useTexts();
  const told = samples.filter((sample) => spec.series.some(({ figure }) => sample[figure] !== undefined)).toReversed();
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={pipeline.asTable(spec.title)}>
      <table>
        <thead><tr><th scope="col">{pipeline.time}</th>{spec.series.map(({ figure, name }) => <th key={figure} scope="col">{name}</th>)}</tr></thead>
        <tbody>
          {told.map((sample) => (
            <tr key={sample.atMs}><th scope="row">{exactTime(sample.atMs)}</th>{spec.series.map(({ figure }) => <td key={figure}>{sample[figure] === undefined ? '' : spec.format(sample[figure])}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
