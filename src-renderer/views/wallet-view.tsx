import { useTexts } from '../language/index.ts';

/** That there is no chain, and what that means; nothing here is a figure. */
export function WalletView() {
  const { wallet } = useTexts();
  return (
    <main className="wallet" aria-label={wallet.title}>
      <section className="card wallet-card">
        <svg viewBox="0 0 24 24" width="44" height="44" aria-hidden="true"><path d="M4 7h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zM4 7l11-3v3M15.5 13h.01" className="place-icon" /></svg>
        <h2>{wallet.none}</h2>
        <p>{wallet.means}</p>
        <h3>{wallet.free}</h3>
        <p>{wallet.freeText}</p>
        <h3>{wallet.later}</h3>
        <p>{wallet.laterText}</p>
      </section>
    </main>
  );
}
