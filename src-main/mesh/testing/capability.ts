import { generateKeyPair } from '@libp2p/crypto/keys';
import { createSigner } from '../identity/signature.ts';
import { seal, type CapabilityMessage, type Envelope, type Loss } from '../capability/message.ts';
import type { Profile } from '../capability/profile.ts';
import type { Signer } from '../types.ts';

export const profileOf = (name: string, ramFreeBytes = 8e9): Profile => ({
  name, app: 'omninode/0.1.0', machine: { os: 'linux', arch: 'x64', cores: 8, ramTotalBytes: 16e9, ramFreeBytes }, backend: 'cpu', models: [], links: [],
});

type Said = { readonly kind: 'ad'; readonly profile: Profile } | { readonly kind: 'alive'; readonly ad: number; readonly lost?: readonly Loss[] } | { readonly kind: 'bye' };
type Stamped = { readonly run: number; readonly seq: number; readonly at: number; readonly ttlMs?: number };

/** Somebody who signs messages by hand, so that a test may send them late, twice or never. */
export class Author {
  readonly signer: Signer;

  private constructor(signer: Signer) {
    this.signer = signer;
  }

  static async create(): Promise<Author> {
    return new Author(createSigner(await generateKeyPair('Ed25519')));
  }

  get peer(): Signer['peerId'] {
    return this.signer.peerId;
  }

  say(what: Said, { ttlMs = 13_000, ...stamp }: Stamped): Promise<Envelope> {
    return seal({ ...what, ...stamp, ttlMs, peer: this.signer.peerId } satisfies CapabilityMessage, this.signer);
  }

  /** Without a signature: for what comes after it was checked. */
  unsigned(what: Said, { ttlMs = 13_000, ...stamp }: Stamped): Envelope {
    return { message: { ...what, ...stamp, ttlMs, peer: this.signer.peerId }, bytes: Buffer.from(`${stamp.run}/${stamp.seq}`) };
  }
}
