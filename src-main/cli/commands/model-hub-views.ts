import { utcMinute } from '../../base/index.ts';
import type { AddedModel, AddProgress, ModelChoice, ModelFileEntry, ModelOutlook, SearchResult } from '../../host/index.ts';
import { megabytes } from '../output.ts';
import { table } from '../table.ts';

/** What `model add` and `model search` show; pure. */

const BAR_CELLS = 20;
const PHASES = { resuming: 'checking what is here', downloading: '', checking: 'comparing the checksum', hashing: 'naming its blocks' } as const;

/** One line that overwrites itself. */
export function progressLine({ phase, bytesDone, bytesTotal, bytesPerSecond, etaMs, file, part, parts }: AddProgress): string {
  const share = bytesTotal === 0 ? 1 : bytesDone / bytesTotal;
  const cells = Math.floor(share * BAR_CELLS);
  return [
    parts === 1 ? file : `${file} (${part} of ${parts})`, `[${'#'.repeat(cells)}${'.'.repeat(BAR_CELLS - cells)}]`, `${Math.floor(share * 100)} %`, `${megabytes(bytesDone)} of ${megabytes(bytesTotal)}`,
    ...(bytesPerSecond === undefined ? [] : [`${megabytes(bytesPerSecond)}/s`]), ...(etaMs === undefined ? [] : [`${duration(etaMs)} left`]), PHASES[phase],
  ].filter((text) => text !== '').join('  ');
}

/** `12 s`, `3:07 min`, `2:30 h`. */
export function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const pair = (large: number, small: number): string => `${large}:${String(small).padStart(2, '0')}`;
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${pair(Math.floor(seconds / 60), seconds % 60)} min` : `${pair(Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60))} h`;
}

export function outlookView({ name, sizeBytes, facts, files, contextTokens, verdict }: ModelOutlook): string {
  const trained = facts.trainedTokens === undefined ? '' : `, trained for ${facts.trainedTokens} tokens`;
  return [
    `${name}: ${facts.architecture}, ${facts.quantization}, ${facts.layers} layers, ${megabytes(sizeBytes)}${files.length > 1 ? ` in ${files.length} files` : ''}${trained}`,
    fitView({ contextTokens, verdict }),
  ].join('\n');
}

/** Nothing where it is not known. */
export const fitView = (outlook: Pick<ModelOutlook, 'contextTokens' | 'verdict'> | undefined): string => (outlook === undefined ? '' : `  with ${outlook.contextTokens} tokens of context it ${outlook.verdict.words}\n`);

export function addedView({ path, added, manifestCid }: AddedModel): string {
  const resumed = added.reduce((bytes, file) => bytes + file.resumedBytes, 0);
  return `${path}\n${manifestCid === undefined ? '' : `  peers fetch it as ${manifestCid}\n`}${resumed === 0 ? '' : `  ${megabytes(resumed)} of it were here already\n`}`;
}

export function choicesView(models: readonly ModelChoice[]): string {
  if (models.length === 0) return 'no GGUF model there\n';
  return `${table(['model', 'size', 'files'], models.map(({ source, sizeBytes, files }) => [source, megabytes(sizeBytes), String(files)]))}\n`;
}

export function searchView({ hub, known, knownAsOf, offline }: SearchResult): string {
  const found = hub.map(({ repo, downloads, license, isGated }) => [`hf:${repo}`, String(downloads), license ?? '', isGated ? 'asks for terms first' : '']);
  const listed = known.map(({ source, sizeBytes, license, fitsHere, peersNeeded }) => [source, megabytes(sizeBytes), license ?? '', placeView(fitsHere, peersNeeded)]);
  return [
    ...(offline === undefined ? [] : [`The hub: ${offline}`, '']),
    ...(found.length === 0 ? [] : [table(['on the hub', 'downloads', 'licence', ''], found), '']),
    ...(listed.length === 0 ? [] : [table([`known (${knownAsOf})`, 'size', 'licence', ''], listed), '']),
    ...(found.length + listed.length === 0 ? ['nothing found', ''] : []),
  ].join('\n');
}

function placeView(fitsHere: boolean, peersNeeded: number | undefined): string {
  if (fitsHere) return 'fits here';
  return peersNeeded === undefined ? 'needs peers' : `fits with ${peersNeeded} peer${peersNeeded === 1 ? '' : 's'}`;
}

export function filesView(files: readonly ModelFileEntry[]): string {
  if (files.length === 0) return '';
  const rows = files.map((file) => [file.name, megabytes(file.sizeBytes), stateOf(file), utcMinute(file.usedAt), file.path]);
  return `\n${table(['file (--model takes its name)', 'size', '', 'last used (UTC)', 'path'], rows)}\n`;
}

export function fileView(file: ModelFileEntry): string {
  return [`${file.name}: ${megabytes(file.sizeBytes)}${file.files > 1 ? ` in ${file.files} files` : ''}, ${stateOf(file)}`, `  from ${file.reference}`, `  at ${file.path}`, `  ${file.cid}`, ''].join('\n');
}

function stateOf({ isWhole, isOwned, isPinned }: ModelFileEntry): string {
  if (!isWhole) return 'damaged';
  if (!isOwned) return 'yours';
  return isPinned ? 'pinned' : 'may go';
}
