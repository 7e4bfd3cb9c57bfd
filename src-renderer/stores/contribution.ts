import type { Contribution } from '../../src-preload/bridge/index.ts';
import { formatTime, type Texts } from '../language/index.ts';

/** With the day, where it is another. */
export const whenOf = (unixMs: number, now: Date): string => (new Date(unixMs).toDateString() === now.toDateString() ? formatTime(unixMs, { timeStyle: 'short' }) : formatTime(unixMs));

/** How it stands, in one or two sentences; nothing that is not so at this moment. */
export function contributionStatus(now: Contribution, texts: Texts['contribute'], at: Date): string {
  const { isOn, hold, sessions } = now;
  const ending = sessions > 0 ? ` ${texts.ending(sessions)}` : '';
  if (!isOn) return `${texts.off}${ending}`;
  if (hold !== undefined) return `${holdText(hold, texts, at)}${ending}`;
  if (sessions > 0) return servingText(now, texts);
  if (now.offers.length === 0) return texts.nothing;
  return now.sinceStart.sessions === 0 ? texts.ready : texts.idle;
}

function holdText({ reason, until }: NonNullable<Contribution['hold']>, texts: Texts['contribute'], at: Date): string {
  const time = until === undefined ? undefined : whenOf(until, at);
  switch (reason) {
    case 'paused': return time === undefined ? texts.paused : texts.pausedUntil(time);
    case 'schedule': return time === undefined ? texts.noHours : texts.outOfHours(time);
    case 'battery': return texts.battery;
    case 'in-use': return texts.inUse;
    case 'busy': return texts.busy;
    case 'hot': return texts.hot;
  }
}

function servingText({ serving, sessions }: Contribution, texts: Texts['contribute']): string {
  const [first] = serving;
  const machines = new Set(serving.map(({ peerId }) => peerId)).size;
  const isSame = first !== undefined && sessions === serving.length && serving.every(({ model, layers }) => model === first.model && layers.join() === first.layers.join());
  return isSame ? texts.serving(first.layers, first.model, machines) : texts.servingMany(sessions, machines);
}
