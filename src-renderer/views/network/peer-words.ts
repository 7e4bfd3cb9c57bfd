import { formatNumber, type Texts } from '../../language/index.ts';
import { formatBytes, formatMs, formatRate, shortPeer } from '../../stores/format.ts';
import type { Column, PeerRow } from '../../stores/peer-table.ts';

type Words = Texts['network'];

export const nameOf = ({ peerId, name }: Pick<PeerRow, 'peerId' | 'name'>): string => name ?? shortPeer(peerId);

/** "0.4 ms ± 0.1 ms", as far as measured. */
export function rttText({ rttMs, jitterMs }: PeerRow): string {
  if (rttMs === undefined) return '';
  return `${formatMs(rttMs)}${jitterMs === undefined ? '' : ` ± ${formatMs(jitterMs)}`}`;
}

/** "0.4 %": what the way there loses; "0 %" is a figure too. */
export const lossText = ({ loss }: PeerRow): string => (loss === undefined ? '' : `${formatNumber(loss * 100, loss > 0 && loss < 0.1 ? 1 : 0)} %`);

export const bandwidthText = ({ bytesPerSecond, isAtLeast }: PeerRow): string => (bytesPerSecond === undefined ? '' : `${isAtLeast === true ? '≥ ' : ''}${formatBytes(bytesPerSecond)}/s`);

/** "TCP, direct"; how it is known where it is not connected. */
export function connectionText({ carrier, isRelayed }: PeerRow, texts: Words): string {
  if (carrier === undefined) return texts.throughOthers;
  return isRelayed === true ? texts.relayed : `${texts.carrier[carrier]}, ${texts.direct}`;
}

export function reputationText({ reputation }: PeerRow, { reputation: words }: Words): string {
  if (reputation === undefined) return '';
  switch (reputation.kind) {
    case 'faulty': return words.faulty(reputation.faults);
    case 'missed': return words.missed(reputation.failures);
    default: return words[reputation.kind]();
  }
}

/** Said by the model already. */
const MAKER = /\b(NVIDIA GeForce|NVIDIA|AMD Radeon|AMD|Intel\(R\)|Intel|Apple) (?=\w)/g;

const zoneText = ({ zone }: PeerRow, texts: Words): string => (zone === 'local' || zone === 'private' || zone === 'public' ? texts.zones[zone] : '');

interface Saying {
  readonly texts: Words;
  readonly nowMs: number;
}

function ramText({ ramFreeBytes, ramTotalBytes }: PeerRow, { texts }: Saying): string {
  if (ramTotalBytes === undefined) return '';
  return texts.ram(ramFreeBytes === undefined ? undefined : formatBytes(ramFreeBytes), formatBytes(ramTotalBytes));
}

const gpuText = ({ gpus, gpuBytes }: PeerRow): string => (gpus === undefined ? '' : `${gpus.replaceAll(MAKER, '')}${gpuBytes === undefined ? '' : ` ${formatBytes(gpuBytes)}`}`);

const CELLS: Readonly<Record<Column, (row: PeerRow, saying: Saying) => string>> = {
  name: nameOf, ram: ramText, gpu: gpuText, layers: ({ layers = '' }) => layers, speed: ({ tokensPerSecond }) => (tokensPerSecond === undefined ? '' : formatRate(tokensPerSecond)),
  rtt: rttText, loss: lossText, bandwidth: bandwidthText, connection: (row, { texts }) => connectionText(row, texts), zone: (row, { texts }) => zoneText(row, texts), reputation: (row, { texts }) => reputationText(row, texts),
  since: ({ since }, { texts, nowMs }) => (since === undefined ? '' : texts.ago(nowMs - since)), version: ({ version = '' }) => version,
};

/** What a cell says; empty where nothing is known. */
export const cellText = (column: Column, row: PeerRow, saying: Saying): string => CELLS[column](row, saying);

/** What a screen reader hears of a node on the map. */
export function spoken(row: PeerRow, stage: number, texts: Words): string {
  return [
    nameOf(row), rttText(row) || texts.notMeasured, connectionText(row, texts), bandwidthText(row), stage > 0 ? texts.stageOf(stage, row.layers ?? '') : '',
    row.reputation === undefined || row.reputation.kind === 'good' ? '' : reputationText(row, texts),
  ].filter((part) => part !== '').join(', ');
}
