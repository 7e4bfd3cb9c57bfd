import { useTexts } from '../../language/index.ts';
import { useHost } from '../../stores/context.ts';
import { PayLine } from '../pay-line.tsx';
import type { PlaceProps } from '../places.tsx';
import { SettingsForm } from './settings-form.tsx';

/** What this node is paid and pays at most, and what that needs. */
export function PaySection({ onGo }: PlaceProps) {
  const { pay: texts } = useTexts();
  const contribution = useHost(({ state }) => state?.contribution);
  return (
    <>
      <p className="setup-intro">{texts.intro}</p>
      <dl className="pay-needs">
        <dt>{texts.forServing}</dt><dd>{texts.forServingText}</dd>
        <dt>{texts.forPaying}</dt><dd>{texts.forPayingText}</dd>
      </dl>
      <div className="setup-actions pay-now">
        <button type="button" className="quiet" onClick={() => onGo('wallet')}>{texts.toWallet}</button>
        {contribution !== undefined && <PayLine contribution={contribution} onGo={onGo} isPlain />}
      </div>
      <SettingsForm key="pay" keys={['payPrice', 'payUpTo']} />
    </>
  );
}
