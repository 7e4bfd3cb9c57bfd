import { Fragment } from 'react';
import { useTexts } from '../language/index.ts';
import { SHORTCUTS } from '../stores/shortcuts.ts';
import { Sheet } from '../widgets/sheet.tsx';

/** All keys, over the page. */
export function ShortcutSheet({ onClose }: { readonly onClose: () => void }) {
  const { palette } = useTexts();
  return (
    <Sheet label={palette.shortcuts} className="shortcuts" onClose={onClose}>
      <h2>{palette.shortcuts}</h2>
      <ShortcutList />
      <div className="sheet-actions"><button type="button" className="quiet" autoFocus onClick={onClose}>{palette.close}</button></div>
    </Sheet>
  );
}

export function ShortcutList() {
  const { palette } = useTexts();
  return (
    <dl className="shortcut-list">
      {SHORTCUTS.map(({ keys, what }) => (
        <Fragment key={what(palette)}>
          <dt>{keys.map((combination, index) => <Fragment key={combination.join('+')}>{index > 0 && ` ${palette.or} `}{combination.map((key) => <kbd key={key}>{key}</kbd>)}</Fragment>)}</dt>
          <dd>{what(palette)}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
