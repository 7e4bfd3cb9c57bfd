import type { PeerId } from '../../base/index.ts';
import type { ZoneKey } from './zone-key.ts';

/**
 * Whom a node meets. `local`: peers of this machine and of private networks. `private`: who holds the key, or where there is none who is
 * on the allow-list; with both, who is both. `public`: anybody. Processes with the same house key meet whatever the allow-list says; one with a
 * sponsor, whose identity lies in that file, is its guest at those whose list has the sponsor.
 */
export type ZoneOption =
  | { readonly kind: 'local' }
  | { readonly kind: 'public' }
  | { readonly kind: 'private'; readonly key?: ZoneKey | undefined; readonly allow?: readonly PeerId[] | undefined; readonly house?: ZoneKey | undefined; readonly sponsorPath?: string | undefined };

export interface ZoneOptions {
  /** Default `public`: a caller that has no owner to ask decides nothing for him. */
  readonly zone?: ZoneOption | undefined;
  /** Where bans are kept; in memory when left out. */
  readonly bansPath?: string | undefined;
  /** A folder: knocks that were answered, so that none is answered again after a restart. In memory when left out. */
  readonly knocksPath?: string | undefined;
  /** New sessions of one address of others; default SESSIONS_PER_SECOND. */
  readonly sessionsPerSecond?: number | undefined;
}
