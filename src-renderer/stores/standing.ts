import type { Standing } from '../../src-preload/bridge/index.ts';
import type { Texts } from '../language/index.ts';
import { shortPeer } from './format.ts';

/** With peer ids as short as elsewhere on the page. */
export const reachReason = ({ reason }: Standing['reachability']): string => reason.replaceAll(/\b12D3KooW\w+/g, shortPeer);

/** "Through …abc123", "No place at …def456". */
export const relayText = ({ peerId, isHeld }: Standing['relays'][number], { standing }: Texts['network']): string => (isHeld ? standing.through : standing.noPlace)(shortPeer(peerId));
