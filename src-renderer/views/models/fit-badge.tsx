import type { Fit } from '../../../src-preload/bridge/index.ts';
import { useTexts, type Texts } from '../../language/index.ts';
import { formatBytes } from '../../stores/format.ts';

/** "Fits here", with all that it was reckoned from. */
export function FitBadge({ fit }: { readonly fit: Fit }) {
  const { models } = useTexts();
  return <span className={`badge badge-${fit.fits}`} title={fitDetail(fit, models)}>{fitWord(fit, models)}</span>;
}

const fitWord = ({ fits, peersNeeded = 1 }: Fit, texts: Texts['models']): string => (fits === 'here' ? texts.fitsHere : fits === 'no' ? texts.fitsNot : texts.fitsMore(peersNeeded));

/** "needs 5.1 GB of memory, 3.9 GB are free here; counted with 2 other machines". */
export function fitDetail({ basis, needBytes, freeBytes, asked, fits }: Fit, texts: Texts['models']): string {
  const parts = [
    texts.fitNeeds(formatBytes(needBytes), formatBytes(freeBytes)),
    asked === undefined ? (fits === 'here' ? undefined : texts.fitNotAsked) : fits === 'here' ? undefined : texts.fitAsked(asked.counted, asked.silent, asked.unwilling),
    basis === 'size' ? texts.fitBySize : undefined,
  ];
  return parts.filter((part) => part !== undefined).join('; ');
}
