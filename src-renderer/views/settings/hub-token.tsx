import { useState, type FormEvent } from 'react';
import { hubTokenSchema, type HubTokenState } from '../../../src-preload/bridge/index.ts';
import { useTexts, type Texts } from '../../language/index.ts';
import { useApp } from '../../stores/context.ts';
import { useCommand } from '../../stores/use-command.ts';
import { useReply } from '../../stores/use-reply.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

function textOf({ from, keeping }: HubTokenState, texts: Texts['shell']): string {
  if (from === 'none') return texts.tokenNone;
  if (from === 'environment') return texts.tokenEnvironment;
  return keeping === 'sealed' ? texts.tokenSealed : texts.tokenFile;
}

/** A token for models that ask for one: given here, and never shown. Nothing on a host that keeps none. */
export function HubToken() {
  const { client } = useApp();
  const { shell: texts } = useTexts();
  const { value: state, error: unread, set: setState } = useReply('hubToken.get');
  const { isBusy, error, run } = useCommand();
  if (state === undefined && unread === undefined) return null;
  const keep = (token: string | null): Promise<boolean> => run(() => client.call('hubToken.set', { token }).then(setState));
  const failure = error ?? unread;
  return (
    <section className="hub-token" aria-labelledby="token-title">
      <h3 id="token-title">{texts.token}</h3>
      <p className="setup-intro">{texts.tokenHelp}</p>
      {state !== undefined && <p className="setup-intro" role="status">{textOf(state, texts)}{state.why !== undefined && <> <span lang="en">{state.why}</span></>}</p>}
      {failure !== undefined && <ErrorCard error={failure} />}
      {state?.from !== 'environment' && <TokenForm isKept={state?.from === 'kept'} canRemove={state?.from !== 'none'} isBusy={isBusy} onKeep={keep} />}
    </section>
  );
}

interface TokenFormProps {
  readonly isKept: boolean;
  readonly canRemove: boolean;
  readonly isBusy: boolean;
  /** Null forgets it. */
  readonly onKeep: (token: string | null) => Promise<boolean>;
}

function TokenForm({ isKept, canRemove, isBusy, onKeep }: TokenFormProps) {
  const { shell: texts } = useTexts();
  const [token, setToken] = useState('');
  const isShaped = hubTokenSchema.safeParse(token).success;
  const keep = (kept: string | null): void => void onKeep(kept).then((isDone) => { if (isDone) setToken(''); });
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (isShaped) keep(token);
  };
  return (
    <form className="token-row" aria-label={texts.token} onSubmit={onSubmit}>
      <label className="unseen" htmlFor="hub-token">{texts.tokenNew}</label>
      <input id="hub-token" type="password" value={token} maxLength={500} placeholder={texts.tokenNewHint} autoComplete="off" spellCheck={false} aria-describedby="hub-token-help" onChange={(event) => setToken(event.target.value)} />
      <button type="submit" className="quiet" disabled={!isShaped || isBusy}>{isKept ? texts.tokenReplace : texts.tokenKeep}</button>
      {canRemove && <button type="button" className="quiet danger" disabled={isBusy} onClick={() => keep(null)}>{texts.tokenRemove}</button>}
      <p id="hub-token-help" className="setting-facts">{token !== '' && !isShaped && texts.tokenShape}</p>
    </form>
  );
}
