/** Seals short texts by what the system keeps for this user: another user, or a copy of the disk, cannot open them. */
export interface SecretBox {
  seal(text: string): Uint8Array;
  /** Throws for what it did not seal. */
  open(sealed: Uint8Array): string;
}

/** A box, or why there is none. */
export type SecretKeeping = { readonly box: SecretBox } | { readonly box?: undefined; readonly why?: string };
