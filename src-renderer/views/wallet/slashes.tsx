import type { SlashInfo } from '../../../src-preload/bridge/index.ts';
import { formatNumber, formatTime, useTexts } from '../../language/index.ts';
import { useAsked } from '../../stores/use-economy.ts';
import { shortHex } from '../../stores/wallet.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';
import { Amount } from './amount.tsx';
import { Failed } from './failed.tsx';
import { Empty, WalletCard } from './wallet-card.tsx';

/** Every cut of this node's stake, with what proved it. */
export function Slashes() {
  const { earnings } = useTexts();
  const { data, error } = useAsked('economy.slashes', {});
  return (
    <WalletCard id="slashes" title={earnings.slashes} isWide>
      {error !== null && data === undefined && <Failed error={error} />}
      {data !== undefined && (data.slashes.length === 0 ? <Empty title={earnings.slashesNone} text={earnings.slashesNoneText} /> : <ol className="sent">{data.slashes.map((slash) => <Cut key={slash.faultId} slash={slash} />)}</ol>)}
    </WalletCard>
  );
}

function Cut({ slash: { evidence, cut, burned, reporter, atMs, block, txHash, sessionIds } }: { readonly slash: SlashInfo }) {
  const { earnings } = useTexts();
  return (
    <li className="sent-entry">
      <p><strong>{earnings.evidence[evidence]}</strong></p>
      <dl className="facts">
        <dt>{earnings.cut}</dt><dd className="wallet-cut"><Amount units={cut} /></dd>
        <dt>{earnings.burned}</dt><dd><Amount units={burned} /></dd>
        <dt>{earnings.reporter}</dt><dd><Hash hex={reporter} /></dd>
        {sessionIds.length > 0 && <><dt>{earnings.inSessions(sessionIds.length)}</dt>{sessionIds.map((id) => <dd key={id}><Hash hex={id} label={earnings.copySession} /></dd>)}</>}
        <dt>{earnings.transaction}</dt><dd><Hash hex={txHash} label={earnings.copyHash} /></dd>
        <dt>{earnings.when}</dt><dd>{formatTime(atMs)} · {earnings.inBlock(formatNumber(block))}</dd>
      </dl>
    </li>
  );
}

const Hash = ({ hex, label }: { readonly hex: string; readonly label?: string }) => <span className="sent-hash"><code title={hex}>{shortHex(hex)}</code>{label !== undefined && <> <CopyButton text={hex} label={label} /></>}</span>;
