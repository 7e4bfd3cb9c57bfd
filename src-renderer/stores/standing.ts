import type { Member, Standing } from '../../src-preload/bridge/index.ts';
import { shortPeer } from './format.ts';

export const ZONE_TEXT: Readonly<Record<Standing['zone']['kind'], string>> = {
  local: 'this machine and its networks', private: 'members only', public: 'anybody',
};

const REACH_TEXT: Readonly<Record<Standing['reachability']['kind'], string>> = {
  public: 'from the internet', private: 'not from the internet', unknown: 'nobody has found out',
};

export const reachText = ({ kind }: Standing['reachability']): string => REACH_TEXT[kind];

/** With peer ids as short as elsewhere on the page. */
export const reachReason = ({ reason }: Standing['reachability']): string => reason.replaceAll(/\b12D3KooW\w+/g, shortPeer);

/** "Through …abc123", "No place at …def456". */
export const relayText = ({ peerId, isHeld }: Standing['relays'][number]): string => `${isHeld ? 'Through' : 'No place at'} ${shortPeer(peerId)}`;

/** Of another node, what is worth a word: "private zone" where ours is another, and whether the internet reaches it. */
export function memberStanding({ zone, reachability }: Member, own: Standing | undefined): readonly string[] {
  return [
    ...(zone === undefined || zone === own?.zone.kind ? [] : [`${zone} zone`]),
    ...(reachability === 'public' ? ['reached from the internet'] : reachability === 'private' ? ['not reached from the internet'] : []),
  ];
}
