import type { Earnings, PaidSessionInfo } from '../../../src-preload/bridge/index.ts';
import { formatNumber, formatTime, useTexts, type Texts } from '../../language/index.ts';
import { shortHex } from '../../stores/wallet.ts';
import { ActButton, BlockedNote } from './act-button.tsx';
import { Amount } from './amount.tsx';
import { useWallet } from './wallet-context.ts';

function workOf({ layers, tokens }: Pick<PaidSessionInfo, 'layers' | 'tokens'>, texts: Texts['earnings']): string {
  return layers === undefined ? texts.tokens(formatNumber(tokens)) : texts.layersTokens(layers[1] - layers[0] + 1, formatNumber(tokens));
}

/** Every paid session of the window, and what can be done about it. */
export function Sessions({ sessions }: { readonly sessions: Earnings['sessions'] }) {
  const { earnings } = useTexts();
  const canAct = sessions.some(({ state }) => state === 'claimable');
  const heads = [earnings.session, earnings.state, earnings.work, ...[earnings.pay, earnings.pending, earnings.reward].map(earnings.inSum)];
  return (
    <section aria-labelledby="wallet-sessions">
      <h3 id="wallet-sessions">{earnings.sessions}</h3>
      <div className="wallet-table" tabIndex={0} role="region" aria-labelledby="wallet-sessions">
        <table>
          <thead><tr>{heads.map((head) => <th key={head} scope="col">{head}</th>)}</tr></thead>
          <tbody>{sessions.map((session) => <SessionRow key={`${session.sessionId}/${session.role}`} session={session} />)}</tbody>
        </table>
      </div>
      {canAct && <BlockedNote id="wallet-sessions-blocked" />}
    </section>
  );
}

function SessionRow({ session }: { readonly session: PaidSessionInfo }) {
  const { earnings } = useTexts();
  const { sessionId, openedAtMs, state, pay, pending, reward, nodes, role } = session;
  const name = shortHex(sessionId);
  return (
    <tr>
      <th scope="row"><code title={sessionId}>{name}</code><span className="wallet-aside">{formatTime(openedAtMs)}</span></th>
      <td>
        <span className={`session-state session-${state}`}>{earnings.states[state]}</span>
        <SessionAct session={session} />
      </td>
      <td>{workOf(session, earnings)}<span className="wallet-aside">{earnings.roles[role]} · {earnings.nodes(nodes)}</span></td>
      <td><Amount units={pay} unit="" /></td>
      <td><Amount units={pending} unit="" /></td>
      <td><Amount units={reward} unit="" /></td>
    </tr>
  );
}

/** What can be done about a session now. Its pay is its owner's to collect; a voucher or a reward anybody may bring, and this host does it where it holds the owner's key. */
function SessionAct({ session: { sessionId, role, state, due } }: { readonly session: PaidSessionInfo }) {
  const { earnings, wallet: { outside } } = useTexts();
  const { source, isOthers } = useWallet();
  const name = shortHex(sessionId);
  const act = (op: 'collect' | 'refund' | 'post' | 'reward', text: string, label: string) => <span className="session-act"><ActButton op={{ op, sessionId }} text={text} label={label} /></span>;
  if (state === 'claimable' && role === 'payer') return act('refund', earnings.refund, earnings.refundOne(name));
  if (role !== 'node' || isOthers) return null;
  if (state === 'claimable') return act('collect', earnings.collect, earnings.collectOne(name));
  if (source !== 'browser' || due === undefined) return null;
  return due === 'post' ? act('post', outside.post, outside.postOne(name)) : act('reward', outside.reward, outside.rewardOne(name));
}

/** Who earned what in the sessions that this account has to do with. */
export function ByNode({ nodes }: { readonly nodes: Earnings['byNode'] }) {
  const { earnings } = useTexts();
  const own = useWallet().economy.node?.nodeId;
  return (
    <section aria-labelledby="wallet-by-node">
      <h3 id="wallet-by-node">{earnings.byNode}</h3>
      <div className="wallet-table" tabIndex={0} role="region" aria-labelledby="wallet-by-node">
        <table>
          <thead><tr>{[earnings.node, earnings.work, ...[earnings.pay, earnings.reward].map(earnings.inSum)].map((head) => <th key={head} scope="col">{head}</th>)}</tr></thead>
          <tbody>
            {nodes.map(({ nodeId, work, pay, reward }) => (
              <tr key={nodeId}><th scope="row"><code title={nodeId}>{shortHex(nodeId)}</code>{nodeId === own && <span className="wallet-aside">{earnings.thisNode}</span>}</th><td>{formatNumber(BigInt(work))}</td><td><Amount units={pay} unit="" /></td><td><Amount units={reward} unit="" /></td></tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
