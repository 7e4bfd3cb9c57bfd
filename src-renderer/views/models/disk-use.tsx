import type { ModelList } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { formatBytes } from '../../stores/format.ts';

const sum = (sizes: readonly number[]): number => sizes.reduce((all, bytes) => all + bytes, 0);

/** What the store takes of the disk, and for what. */
export function DiskUse({ list: { models, unfinished, disk } }: { readonly list: ModelList }) {
  const texts = useTexts().models;
  const [files, cuts, partly] = [sum(models.map(({ fileBytes }) => fileBytes)), sum(models.map(({ cutBytes }) => cutBytes)), sum(unfinished.map(({ storedBytes }) => storedBytes))];
  const other = Math.max(0, disk.usedBytes - disk.reservedBytes - files - cuts - partly);
  const parts = [{ kind: 'files', name: texts.diskFiles, bytes: files }, { kind: 'cuts', name: texts.diskCuts, bytes: cuts }, { kind: 'partly', name: texts.diskPartly, bytes: partly }, { kind: 'other', name: texts.diskOther, bytes: other }].filter(({ bytes }) => bytes > 0);
  const total = disk.quotaBytes ?? disk.usedBytes + disk.freeBytes;
  return (
    <div className="disk">
      <p className="disk-words">
        <strong>{disk.quotaBytes === null ? texts.diskUsedFree(formatBytes(disk.usedBytes), formatBytes(disk.freeBytes)) : texts.diskUsed(formatBytes(disk.usedBytes), formatBytes(disk.quotaBytes))}</strong>
        {disk.quotaBytes !== null && <span>{texts.diskFree(formatBytes(disk.freeBytes))}</span>}
        {disk.pinnedBytes > 0 && <span>{texts.diskPinned(formatBytes(disk.pinnedBytes))}</span>}
      </p>
      <div className="disk-bar" role="img" aria-label={`${texts.disk}: ${parts.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`).join(', ')}`}>
        {parts.map(({ kind, bytes }) => <span key={kind} className={`disk-part disk-${kind}`} style={{ width: `${(100 * bytes) / Math.max(1, total)}%` }} />)}
      </div>
      {parts.length > 0 && <ul className="model-legend" aria-hidden="true">{parts.map(({ kind, name, bytes }) => <li key={kind}><span className={`model-swatch disk-${kind}`} />{name} {formatBytes(bytes)}</li>)}</ul>}
    </div>
  );
}
