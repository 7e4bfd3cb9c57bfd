import { formatUnits } from '../../stores/units.ts';

/** SUM at a glance; every digit under the pointer and for who listens. */
export function Amount({ units, unit = 'SUM' }: { readonly units: string | bigint; readonly unit?: string }) {
  const { short, full } = formatUnits(units);
  const tail = unit === '' ? '' : ` ${unit}`;
  if (short === full) return <span className="amount">{short}<span className="amount-unit">{tail}</span></span>;
  return (
    <span className="amount" title={`${full}${tail}`}>
      <span aria-hidden="true">{short}{short.startsWith('<') ? '' : '…'}<span className="amount-unit">{tail}</span></span>
      <span className="unseen">{full}{tail}</span>
    </span>
  );
}
