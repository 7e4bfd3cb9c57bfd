import { memo, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useTexts, type Texts } from '../../language/index.ts';
import { lineWidth, type PeerRow } from '../../stores/peer-table.ts';
import { layoutMap, nextNode, placeLabels, ringOf, type Direction, type MapLayout, type More, type Ring } from '../../stores/topology.ts';
import { bandwidthText, connectionText, nameOf, reputationText, rttText, spoken } from './peer-words.ts';
import { useWidth } from './use-width.ts';

const SELF = 'self';
const LARGEST = 560;
const SMALLEST = 280;
/** With more nodes, what carries a link is told on asking only. */
const MAX_LINK_LABELS = 10;
const MAX_NAME = 16;
/** Beyond a node's own. */
const MORE_RADIUS = 2;
/** From so many nodes on, lines are drawn fainter. */
const CROWD = 60;
const DIRECTIONS: readonly string[] = ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'];

interface TopologyProps {
  readonly rows: readonly PeerRow[];
  /** Of the stages, in the order in which hidden states flow. */
  readonly stageOrder: readonly string[];
  readonly selfName: string;
  readonly selected: string | undefined;
  readonly onSelect: (peerId: string) => void;
  /** Those of a ring that have no room. */
  readonly onMore: () => void;
}

/** The mesh around this node: further out is a longer round trip. */
export const Topology = memo((props: TopologyProps) => {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const size = Math.max(SMALLEST, Math.min(width, LARGEST));
  return <div className="map" ref={box}>{width > 0 && <MapOf {...props} most={size} width={width} />}</div>;
});
Topology.displayName = 'Topology';

/** The same one as long as nobody comes, goes or changes its ring. */
function useLayout(rows: readonly PeerRow[], size: number): MapLayout {
  const rings = useRef(new Map<string, number>());
  const kept = useRef<{ readonly key: string; readonly layout: MapLayout }>(undefined);
  return useMemo(() => {
    const nodes = rows.map(({ peerId, rttMs, isStage }) => ({ id: peerId, isFirst: isStage, ...(rttMs === undefined ? {} : { rttMs }) }));
    const key = [size, ...nodes.map(({ id, isFirst, rttMs }) => `${id} ${ringOf(rttMs, rings.current.get(id))} ${isFirst}`)].join();
    if (kept.current?.key !== key) kept.current = { key, layout: layoutMap(nodes, size, rings.current) };
    return kept.current.layout;
  }, [rows, size]);
}

/** Of those that are named first: stages, then those with names. */
function useLabels(rows: readonly PeerRow[], layout: MapLayout, width: number): ReturnType<typeof placeLabels> {
  const names = rows.toSorted((a, b) => Number(b.isStage) - Number(a.isStage) || Number(b.name !== undefined) - Number(a.name !== undefined)).map((row) => `${row.peerId}\n${cut(nameOf(row))}`).join('\n\n');
  return useMemo(() => placeLabels(names.split('\n\n').map((line) => { const [id = '', text = ''] = line.split('\n'); return { id, text }; }), layout, (width - layout.size) / 2), [names, layout, width]);
}

function MapOf({ rows, stageOrder, selfName, selected, onSelect, onMore, most, width }: TopologyProps & { readonly most: number; readonly width: number }) {
  const { network } = useTexts();
  const layout = useLayout(rows, most);
  const { size } = layout;
  const [focused, setFocused] = useState<string>(SELF);
  const [hovered, setHovered] = useState<string>();
  const svg = useRef<SVGSVGElement>(null);
  const byId = useMemo(() => new Map(rows.map((row) => [row.peerId, row])), [rows]);
  const points = useMemo(() => [{ id: SELF, x: size / 2, y: size / 2 }, ...layout.placed, ...layout.more], [layout, size]);
  const labels = useLabels(rows, layout, width);
  // One node of the map is in the order of the Tab key: the others are reached by arrows.
  const entry = points.some(({ id }) => id === focused) ? focused : SELF;
  const onKey = (event: KeyboardEvent): void => {
    const to = DIRECTIONS.includes(event.key) ? nextNode(points, entry, event.key as Direction) : event.key === 'Home' ? SELF : undefined;
    if (to === undefined) return;
    event.preventDefault();
    setFocused(to);
    svg.current?.querySelector<SVGGElement>(`[data-node="${CSS.escape(to)}"]`)?.focus();
  };
  const shown = byId.get(hovered ?? '');
  const at = layout.placed.find(({ id }) => id === shown?.peerId);
  return (
    <>
      <svg ref={svg} className={rows.length > CROWD ? 'map-drawing map-crowd' : 'map-drawing'} width={size} height={size} viewBox={`0 0 ${size} ${size}`} role="group" aria-label={network.map} aria-describedby="map-how" onKeyDown={onKey} onMouseLeave={() => setHovered(undefined)} onBlur={() => setHovered(undefined)}>
        {layout.rings.map((ring) => <RingView key={`${ring.label.kind} ${'ms' in ring.label ? ring.label.ms : ''}`} ring={ring} size={size} texts={network} />)}
        {layout.placed.map(({ id, x, y }) => { const row = byId.get(id); return row === undefined ? null : <LinkView key={id} x={x} y={y} middle={size / 2} from={28} to={layout.nodeRadius} row={row} label={rows.length <= MAX_LINK_LABELS && most >= 420 && row.carrier !== undefined ? network.carrier[row.carrier] : undefined} isOn={id === hovered || id === selected} />; })}
        <SelfView middle={size / 2} name={selfName} isEntry={entry === SELF} label={network.selfLabel(selfName, rows.length)} text={network.self} onFocus={setFocused} />
        {layout.placed.map(({ id, x, y }) => {
          const row = byId.get(id);
          return row === undefined ? null : (
            <NodeView key={id} id={id} x={x} y={y} radius={layout.nodeRadius} label={spoken(row, stageOrder.indexOf(id) + 1, network)} stage={stageOrder.indexOf(id) + 1} kind={kindOf(row)} isEntry={entry === id} isSelected={id === selected} onOpen={onSelect} onFocus={setFocused} onHover={setHovered} />
          );
        })}
        {labels.map(({ id, text, x, y }) => <text key={id} x={x} y={y} className="map-name" aria-hidden="true">{text}</text>)}
        {layout.more.map((more) => <MoreView key={more.id} more={more} radius={layout.nodeRadius + MORE_RADIUS} isEntry={entry === more.id} texts={network} onOpen={onMore} onFocus={setFocused} />)}
      </svg>
      {shown !== undefined && at !== undefined && <Tip row={shown} stage={stageOrder.indexOf(shown.peerId) + 1} x={at.x} y={at.y + layout.nodeRadius} size={size} texts={network} />}
      <p id="map-how" className="unseen">{network.mapHow}</p>
    </>
  );
}

const cut = (name: string): string => (name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name);
type Kind = 'direct' | 'relayed' | 'others' | 'blocked';
const kindOf = ({ carrier, isRelayed, reputation }: PeerRow): Kind => (reputation?.kind === 'blocked' ? 'blocked' : carrier === undefined ? 'others' : isRelayed === true ? 'relayed' : 'direct');

function ringText({ label }: Ring, { ring }: Texts['network']): string {
  return label.kind === 'unmeasured' ? ring.unmeasured() : ring[label.kind](label.ms);
}

function RingView({ ring, size, texts }: { readonly ring: Ring; readonly size: number; readonly texts: Texts['network'] }) {
  return (
    <g aria-hidden="true">
      <circle cx={size / 2} cy={size / 2} r={ring.radius} className={`map-ring map-ring-${ring.label.kind}`} />
      <text x={size / 2} y={size / 2 - ring.radius + 4} className="map-ring-label">{ringText(ring, texts)}</text>
    </g>
  );
}

interface LinkProps {
  readonly x: number;
  readonly y: number;
  readonly middle: number;
  /** Radii of the two ends. */
  readonly from: number;
  readonly to: number;
  readonly row: PeerRow;
  readonly label: string | undefined;
  readonly isOn: boolean;
}

const LinkView = memo(({ x, y, middle, from, to, row, label, isOn }: LinkProps) => {
  const length = Math.hypot(x - middle, y - middle);
  const [dx, dy] = [(x - middle) / length, (y - middle) / length];
  const half = (from + length - to) / 2;
  return (
    <g aria-hidden="true" className={`map-link map-link-${kindOf(row)}${isOn ? ' map-link-on' : ''}`}>
      <line x1={middle + dx * from} y1={middle + dy * from} x2={x - dx * to} y2={y - dy * to} strokeWidth={lineWidth(row.bytesPerSecond)} />
      {label !== undefined && <text x={middle + dx * half} y={middle + dy * half + 4} className="map-link-label">{label}</text>}
    </g>
  );
}, (a, b) => a.x === b.x && a.y === b.y && a.middle === b.middle && a.to === b.to && a.label === b.label && a.isOn === b.isOn && kindOf(a.row) === kindOf(b.row) && lineWidth(a.row.bytesPerSecond) === lineWidth(b.row.bytesPerSecond));
LinkView.displayName = 'LinkView';

interface NodeProps {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly label: string;
  /** Its place in the pipeline, from 1; 0: none. */
  readonly stage: number;
  readonly kind: Kind;
  readonly isEntry: boolean;
  readonly isSelected: boolean;
  readonly onOpen: (id: string) => void;
  readonly onFocus: (id: string) => void;
  readonly onHover: (id: string) => void;
}

const NodeView = memo(({ id, x, y, radius, label, stage, kind, isEntry, isSelected, onOpen, onFocus, onHover }: NodeProps) => {
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    onOpen(id);
  };
  const focus = (): void => { onFocus(id); onHover(id); };
  return (
    <g data-node={id} role="button" tabIndex={isEntry ? 0 : -1} aria-label={label} aria-pressed={isSelected} className={`map-node map-node-${kind}${stage > 0 ? ' map-node-stage' : ''}`} style={{ transform: `translate(${x}px, ${y}px)` }} onClick={() => onOpen(id)} onKeyDown={onKey} onFocus={focus} onMouseEnter={() => onHover(id)}>
      <circle r={radius + 4} className="map-halo" />
      <circle r={radius} className="map-dot" />
      {stage > 0 && <text y={4} className={radius < 10 ? 'map-stage map-stage-small' : 'map-stage'}>{stage}</text>}
    </g>
  );
});
NodeView.displayName = 'NodeView';

interface SelfProps {
  readonly middle: number;
  readonly name: string;
  readonly label: string;
  readonly text: string;
  readonly isEntry: boolean;
  readonly onFocus: (id: string) => void;
}

const SelfView = memo(({ middle, label, text, isEntry, onFocus }: SelfProps) => (
  <g data-node={SELF} role="img" tabIndex={isEntry ? 0 : -1} aria-label={label} className="map-node map-self" style={{ transform: `translate(${middle}px, ${middle}px)` }} onFocus={() => onFocus(SELF)}>
    <circle r={30} className="map-halo" />
    <circle r={26} className="map-dot" />
    {text.split(' ').map((word, index, all) => <text key={word} y={4 + (index - (all.length - 1) / 2) * 13} className="map-self-text">{word}</text>)}
  </g>
));
SelfView.displayName = 'SelfView';

interface MoreProps {
  readonly more: More;
  readonly radius: number;
  readonly isEntry: boolean;
  readonly texts: Texts['network'];
  readonly onOpen: () => void;
  readonly onFocus: (id: string) => void;
}

function MoreView({ more: { id, x, y, ids }, radius, isEntry, texts, onOpen, onFocus }: MoreProps) {
  const onKey = (event: KeyboardEvent): void => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); onOpen(); } };
  return (
    <g data-node={id} role="button" tabIndex={isEntry ? 0 : -1} aria-label={texts.moreLabel(ids.length)} className="map-node map-more" style={{ transform: `translate(${x}px, ${y}px)` }} onClick={onOpen} onKeyDown={onKey} onFocus={() => onFocus(id)}>
      <circle r={radius + 3} className="map-halo" />
      <circle r={radius} className="map-dot" />
      <text y={4} className="map-more-text">{texts.more(ids.length)}</text>
    </g>
  );
}

const TIP_WIDTH = 210;
const TIP_HEIGHT = 120;

/** What a glance at a node tells; a screen reader has it as the node's name. */
function Tip({ row, stage, x, y, size, texts }: { readonly row: PeerRow; readonly stage: number; readonly x: number; readonly y: number; readonly size: number; readonly texts: Texts['network'] }) {
  const lines = [rttText(row) || texts.notMeasured, connectionText(row, texts), bandwidthText(row), stage > 0 ? texts.stageOf(stage, row.layers ?? '') : '', row.reputation?.kind === 'good' ? '' : reputationText(row, texts)].filter((line) => line !== '');
  const left = Math.max(0, Math.min(size - TIP_WIDTH, x - TIP_WIDTH / 2));
  const isAbove = y + TIP_HEIGHT > size;
  return (
    <div className="map-tip" aria-hidden="true" style={{ width: TIP_WIDTH, left: `calc(50% - ${size / 2}px + ${left}px)`, ...(isAbove ? { bottom: `calc(100% - ${y - 34}px)` } : { top: y + 8 }) }}>
      <strong>{nameOf(row)}</strong>
      {lines.map((line) => <span key={line}>{line}</span>)}
    </div>
  );
}
