import type { ModelDetails, ModelEntry, PieceEntry, ProvidedItem, Repair, ScrubReport, StoreStats } from '../../host/index.ts';
import { megabytes } from '../output.ts';
import { percent, table } from '../table.ts';

/** What the `model` and `store` commands show; pure. */

export function modelsView(models: readonly ModelEntry[]): string {
  if (models.length === 0) return 'no model cut yet: `omninode shard model.gguf` cuts one, `omninode model add` downloads one\n';
  const rows = models.map((model) => [model.name, model.architecture, model.quantization, String(model.layers), megabytes(model.sizeBytes), percent(model.heldBytes / model.sizeBytes), model.isPinned ? 'pinned' : '', model.cid]);
  return `${table(['name', 'architecture', 'weights', 'layers', 'size', 'here', '', 'cid'], rows)}\n`;
}

export function modelView(model: ModelDetails): string {
  const rows = model.pieces.map((piece, index) => [piece.layers === null ? 'vocabulary' : String(index), piece.layers?.join('-') ?? '', megabytes(piece.sizeBytes), stateOf(piece), piece.cid]);
  return [
    `${model.name}: ${model.architecture}, ${model.quantization}, ${model.layers} layers, ${megabytes(model.sizeBytes)}${model.isPinned ? ', pinned' : ''}`,
    `manifest ${model.cid}`, '',
    table(['shard', 'layers', 'size', 'state', 'cid'], rows), '',
  ].join('\n');
}

const stateOf = ({ state, leaves, sizeBytes }: PieceEntry): string => (state === 'partial' ? `${leaves} of ${Math.ceil(sizeBytes / 2 ** 20)} blocks` : state);

export function statsView(stats: StoreStats): string {
  const rows = [
    ['used', megabytes(stats.usedBytes)], ['  kept for downloads', megabytes(stats.reservedBytes)], ['quota', stats.quotaBytes === null ? 'the disk' : megabytes(stats.quotaBytes)], ['free on the disk', megabytes(stats.freeBytes)],
    ['pinned', megabytes(stats.pinnedBytes)], ['may be evicted', megabytes(stats.evictableBytes)],
    ['models', String(stats.models)], ['shards', String(stats.shards)], ['partial shards', String(stats.partialShards)], ['in use', String(stats.leases)],
  ];
  const width = Math.max(...rows.map(([name]) => name?.length ?? 0));
  return `${rows.map(([name = '', value = '']) => `${name.padEnd(width)}  ${value}\n`).join('')}${unfinishedView(stats)}`;
}

/** Who holds space without being whole, and what can be done about it. */
function unfinishedView({ unfinished }: StoreStats): string {
  if (unfinished.length === 0) return '';
  const rows = unfinished.map(({ origin, storedBytes, sizeBytes, countedBytes, pid }) => [origin, `${megabytes(storedBytes)} of ${megabytes(sizeBytes)}`, megabytes(countedBytes), pid === null ? 'broken off' : `process ${pid}`]);
  const advice = unfinished.some(({ pid }) => pid === null) ? 'what was broken off goes on when it is asked for again; `omninode store gc --unfinished` removes it\n' : '';
  return `\n${table(['not whole yet', 'on the disk', 'counts', ''], rows)}\n${advice}`;
}

export function scrubView({ files, bytes, damaged, gone, busy }: ScrubReport, repaired?: Repair): string {
  return [
    ...damaged.map(({ path, leaves }) => `DAMAGED  ${path}  block${leaves.length === 1 ? '' : 's'} ${ranges(leaves)}\n`),
    ...gone.map((path) => `GONE     ${path}\n`), ...busy.map((path) => `skipped  ${path} (is being written)\n`),
    `${files} files, ${megabytes(bytes)}: ${damaged.length === 0 && gone.length === 0 ? 'all is well' : `${damaged.length} damaged, ${gone.length} gone`}\n`,
    ...(repaired === undefined ? [] : [`${repaired.paths.length} repaired with ${megabytes(repaired.bytesFetched)} from ${repaired.sources.filter(({ bytes: given }) => given > 0).map(({ name }) => name).join(', ')}\n`]),
  ].join('');
}

export function providersView(items: readonly ProvidedItem[], nowMs: number): string {
  const known = items.filter(({ providers }) => providers.length > 0);
  if (known.length === 0) return 'nobody is known to have it: a node that runs (`omninode listen`, `omninode serve`) hears announcements\n';
  return known.map(({ cid, name, totalPieces, providers }) => {
    const rows = providers.map(({ peerId, pieces, seenAt, expiresAt, addresses, isPassedOver }) => [peerId, piecesOf(pieces, totalPieces), `${minutes(nowMs - seenAt)} ago`, `${minutes(expiresAt - nowMs)} left`, isPassedOver ? 'sent wrong blocks: not asked for now' : addresses[0] ?? '']);
    return `${name === null ? '' : `${name}  `}${cid}\n${table(['peer', 'pieces', 'seen', 'counts', 'address'], rows)}\n`;
  }).join('\n');
}

const piecesOf = (pieces: number | null, total: number | null): string => (pieces === null ? '' : `${pieces}${total === null ? '' : ` of ${total}`}`);
const minutes = (ms: number): string => `${Math.max(0, Math.round(ms / 60_000))} min`;

/** 1, 2, 3, 7 -> 1-3, 7 */
export function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
}
