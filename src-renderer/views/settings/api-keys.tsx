import { useState, type FormEvent } from 'react';
import { API_SCOPES, type ApiKey } from '../../../src-preload/bridge/index.ts';
import { formatNumber, formatTime, useTexts } from '../../language/index.ts';
import { useApp } from '../../stores/context.ts';
import { useCommand } from '../../stores/use-command.ts';
import { useReply } from '../../stores/use-reply.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';
import { ErrorCard } from '../../widgets/error-card.tsx';

type Scope = (typeof API_SCOPES)[number];

/** Who may use the API: what there is, a new one, and taking one back. */
export function ApiKeys() {
  const { apiKeys: texts } = useTexts();
  const { client } = useApp();
  const listed = useReply('apiKeys.list');
  const { error: failure, run } = useCommand();
  const keys = listed.value?.keys;
  // As the host has them then: another page may have changed them too.
  const change = (work: () => Promise<unknown>) => run(async () => {
    await work();
    listed.set(await client.call('apiKeys.list', {}));
  });
  const error = failure ?? listed.error;
  return (
    <section className="api-keys" aria-labelledby="keys-title">
      <h3 id="keys-title">{texts.title}</h3>
      <p className="setup-intro">{texts.about}</p>
      {error !== undefined && <ErrorCard error={error} />}
      {keys?.length === 0 && <p className="setup-empty">{texts.none}</p>}
      {keys !== undefined && keys.length > 0 && <ul aria-label={texts.list}>{keys.map((key) => <KeyRow key={key.id} entry={key} onRemove={() => void change(() => client.call('apiKeys.remove', { id: key.id }))} />)}</ul>}
      <NewKey onChange={change} />
    </section>
  );
}

function KeyRow({ entry: { id, name, scopes, perMinute, createdAtMs }, onRemove }: { readonly entry: ApiKey; readonly onRemove: () => void }) {
  const { apiKeys: texts } = useTexts();
  const [asks, setAsks] = useState(false);
  const called = name === '' ? texts.unnamed : name;
  return (
    <li>
      <span><strong>{called}</strong> <code>{id}</code></span>
      <span className="setting-facts">{texts.facts(scopes.map((scope) => texts[scope]).join(', '), formatNumber(perMinute), formatTime(createdAtMs, { dateStyle: 'medium' }))}</span>
      {asks
        ? <span className="key-ask" role="group" aria-label={texts.remove(called)}>{texts.removeQuestion} <button type="button" className="quiet danger" autoFocus onClick={onRemove}>{texts.removeShort}</button><button type="button" className="quiet" onClick={() => setAsks(false)}>{texts.keep}</button></span>
        : <button type="button" className="quiet" aria-label={texts.remove(called)} onClick={() => setAsks(true)}>{texts.removeShort}</button>}
    </li>
  );
}

// The new key is here and nowhere else, and gone with "Done" or with this part of the page.
function NewKey({ onChange }: { readonly onChange: (work: () => Promise<unknown>) => Promise<boolean> }) {
  const { apiKeys: texts } = useTexts();
  const { client } = useApp();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly Scope[]>(['chat', 'models']);
  const [perMinute, setPerMinute] = useState('600');
  const [text, setText] = useState<string>();
  const rate = Number(perMinute);
  const isReady = scopes.length > 0 && Number.isInteger(rate) && rate >= 1 && rate <= 100_000;
  const make = (event: FormEvent): void => {
    event.preventDefault();
    if (!isReady) return;
    void onChange(async () => {
      setText((await client.call('apiKeys.create', { name: name.trim(), scopes, perMinute: rate })).text);
      setName('');
    });
  };
  if (text !== undefined) {
    return (
      <div className="new-key" role="status">
        <p><strong>{texts.made}</strong></p>
        <code className="key-text">{text}</code>
        <div className="setup-actions"><CopyButton text={text} label={texts.copy} /><button type="button" className="quiet" onClick={() => setText(undefined)}>{texts.done}</button></div>
      </div>
    );
  }
  return (
    <form className="new-key" aria-label={texts.make} onSubmit={make}>
      <label className="setting">{texts.name}<input type="text" value={name} maxLength={100} placeholder={texts.namePlaceholder} autoComplete="off" onChange={(event) => setName(event.target.value)} /></label>
      <fieldset className="setting">
        <legend>{texts.scopes}</legend>
        <div className="checks">{API_SCOPES.map((scope) => <label key={scope}><input type="checkbox" checked={scopes.includes(scope)} onChange={(event) => setScopes(event.target.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope))} />{texts[scope]}</label>)}</div>
      </fieldset>
      <label className="setting">{texts.perMinute}<input type="text" inputMode="numeric" className="setting-number" value={perMinute} maxLength={6} onChange={(event) => setPerMinute(event.target.value)} /></label>
      <div className="setup-actions"><button type="submit" className="quiet" disabled={!isReady}>{texts.make}</button></div>
    </form>
  );
}
