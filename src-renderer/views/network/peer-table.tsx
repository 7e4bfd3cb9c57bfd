import { memo, useMemo, useState } from 'react';
import { useTexts, type Texts } from '../../language/index.ts';
import { shortPeer } from '../../stores/format.ts';
import { columnsOf, filterRows, orderAfter, sortRows, type Column, type Order, type PeerRow } from '../../stores/peer-table.ts';
import { cellText, connectionText, reputationText } from './peer-words.ts';

const FIGURES: readonly Column[] = ['ram', 'speed', 'rtt', 'loss', 'bandwidth', 'since'];

interface PeerTableProps {
  readonly rows: readonly PeerRow[];
  readonly selected: string | undefined;
  readonly onSelect: (peerId: string) => void;
}

/** All that the map says and more, to sort and to filter. */
export const PeerTable = memo(({ rows, selected, onSelect }: PeerTableProps) => {
  const { network } = useTexts();
  const [text, setText] = useState('');
  const [order, setOrder] = useState<Order>({ column: 'rtt', isDescending: false });
  const columns = useMemo(() => columnsOf(rows), [rows]);
  const shown = useMemo(() => sortRows(filterRows(rows, text, (row) => `${connectionText(row, network)} ${reputationText(row, network)} ${row.isStage ? network.legend.stage : ''}`), order), [rows, text, order, network]);
  const nowMs = Date.now();
  return (
    <>
      <div className="table-tools">
        <label className="tool-filter"><span>{network.filter}</span><input id="peer-filter" type="search" value={text} maxLength={200} placeholder={network.filterHint} autoComplete="off" spellCheck={false} onChange={(event) => setText(event.target.value)} /></label>
        <label className="tool-sort"><span>{network.sortBy}</span>
          <select value={order.column} onChange={(event) => setOrder(orderAfter({ column: 'name', isDescending: false }, event.target.value as Column))}>{columns.map((column) => <option key={column} value={column}>{network.columns[column]}</option>)}</select>
        </label>
        <button type="button" className="quiet tool-sort" aria-pressed={order.isDescending} onClick={() => setOrder({ ...order, isDescending: !order.isDescending })}>{network.turnRound}</button>
        <span className="table-count" role="status">{network.shown(shown.length, rows.length)}</span>
      </div>
      {shown.length === 0 ? <p className="table-none">{network.none(text)} <button type="button" className="quiet" onClick={() => setText('')}>{network.clear}</button></p> : (
        <div className="table-scroll peers-scroll" tabIndex={0} role="region" aria-label={network.tableScroll}>
          <table className="peers-table" role="table">
            <thead role="rowgroup">
              <tr role="row">{columns.map((column) => <HeadCell key={column} column={column} order={order} title={network.columns[column]} onSort={setOrder} />)}</tr>
            </thead>
            <tbody role="rowgroup">
              {shown.map((row) => <RowView key={row.peerId} row={row} columns={columns} cells={columns.map((column) => cellText(column, row, { texts: network, nowMs }))} isSelected={row.peerId === selected} texts={network} onSelect={onSelect} />)}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
});
PeerTable.displayName = 'PeerTable';

interface HeadProps {
  readonly column: Column;
  readonly order: Order;
  readonly title: string;
  readonly onSort: (order: Order) => void;
}

function HeadCell({ column, order, title, onSort }: HeadProps) {
  const isSorted = order.column === column;
  return (
    <th role="columnheader" scope="col" className={FIGURES.includes(column) ? 'figure' : undefined} aria-sort={isSorted ? (order.isDescending ? 'descending' : 'ascending') : undefined}>
      <button type="button" onClick={() => onSort(orderAfter(order, column))}>{title}<span aria-hidden="true" className="sort-mark">{isSorted ? (order.isDescending ? '▾' : '▴') : ''}</span></button>
    </th>
  );
}

interface RowProps {
  readonly row: PeerRow;
  readonly columns: readonly Column[];
  readonly cells: readonly string[];
  readonly isSelected: boolean;
  readonly texts: Texts['network'];
  readonly onSelect: (peerId: string) => void;
}

const RowView = memo(({ row, columns, cells, isSelected, texts, onSelect }: RowProps) => (
  <tr role="row" data-peer={row.peerId} className={isSelected ? 'row-selected' : undefined} onClick={() => onSelect(row.peerId)}>
    {columns.map((column, index) => (column === 'name' ? (
      <th key={column} role="rowheader" scope="row">
        <button type="button" className="row-name" aria-pressed={isSelected} onClick={(event) => { event.stopPropagation(); onSelect(row.peerId); }}>
          {row.name !== undefined && <strong>{row.name}</strong>}<code title={row.peerId}>{shortPeer(row.peerId)}</code>
        </button>
      </th>
    ) : (
      <td key={column} role="cell" data-label={texts.columns[column]} className={classOf(column, row, cells[index])} title={titleOf(column, row, texts)}>{cells[index]}</td>
    )))}
  </tr>
), (a, b) => a.isSelected === b.isSelected && a.texts === b.texts && a.onSelect === b.onSelect && a.columns.length === b.columns.length && a.row.why === b.row.why && a.row.isStage === b.row.isStage && a.columns.every((column, index) => column === b.columns[index] && a.cells[index] === b.cells[index]));
RowView.displayName = 'RowView';

function classOf(column: Column, { reputation, isStage }: PeerRow, text: string | undefined): string | undefined {
  const classes = [
    FIGURES.includes(column) ? 'figure' : '', text === '' ? 'cell-empty' : '', column === 'layers' && isStage ? 'cell-stage' : '',
    column === 'reputation' && reputation !== undefined ? `conduct-${reputation.kind}` : '',
  ].filter((one) => one !== '');
  return classes.length === 0 ? undefined : classes.join(' ');
}

const titleOf = (column: Column, { why, gpus, reputation }: PeerRow, texts: Texts['network']): string | undefined =>
  (column === 'connection' ? why : column === 'gpu' ? gpus : column === 'reputation' && reputation !== undefined ? texts.reputationMeaning[reputation.kind] : undefined);
