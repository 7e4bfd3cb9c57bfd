import { RateLimiter, toCoded, type Clock, type PeerId } from '../../base/index.ts';
import { decodeAnnouncement } from './announcement.ts';
import { ALL_AUTHORS_RATE, AUTHOR_RATE, MAX_AGE_MS } from './options.ts';

/** As the mesh asks it of the topic's messages: `reject` what is wrong, `ignore` what is too much. */
export type AnnouncementGuard = (message: { readonly from: PeerId; readonly data: Uint8Array }) => { readonly verdict: 'reject' | 'ignore'; readonly code: string } | undefined;

/** What may pass on the topic, to us and through us. */
export function createAnnouncementGuard(clock: Clock): AnnouncementGuard {
  const author = new RateLimiter(AUTHOR_RATE, clock);
  const all = new RateLimiter(ALL_AUTHORS_RATE, clock);
  return ({ from, data }) => {
    if (!author.take(from) || !all.take('all')) return { verdict: 'ignore', code: 'PROVIDERS_FLOODED' };
    try {
      const { at } = decodeAnnouncement(data, from);
      // A wrong clock is no proof of anything, an old message told again neither.
      return Math.abs(clock.now() - at) > MAX_AGE_MS ? { verdict: 'ignore', code: 'PROVIDERS_OLD' } : undefined;
    } catch (error) {
      return { verdict: 'reject', code: toCoded(error).code };
    }
  };
}
