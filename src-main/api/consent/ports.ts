import type { Asked, Decision, PasswordReason, PhraseWords, WalletStanding } from '../../chain/index.ts';

/** The wallet as its documents need it; every method throws WALLET_*. */
export interface WalletDesk {
  state(): WalletStanding;
  create(password: string, words: PhraseWords): Promise<{ readonly phrase: string }>;
  importPhrase(text: string, password: string): Promise<void>;
  importKey(text: string, password: string): Promise<void>;
  importFile(text: string, passwords: { readonly filePassword: string; readonly password: string }): Promise<void>;
  unlock(password: string): Promise<void>;
  exportFile(password: string): Promise<string>;
  exportPhrase(password: string): Promise<string>;
  changePassword(old: string, password: string): Promise<void>;
  /** 1e-18 SUM a day; null: no limit. */
  setLimit(perDayUnits: bigint | null, password: string): Promise<void>;
}

/** What waits for the owner. */
export interface ConsentDesk {
  waiting(): readonly Asked[];
  /** The one to be shown, and why it needs the password. Throws WALLET_NOTHING_WAITS. */
  current(): Asked & { readonly passwordNeeded?: PasswordReason };
  /** Throws WALLET_CHANGED, and what a password is refused for. */
  decide(decision: Decision): Promise<void>;
  refuse(id: string): void;
}
