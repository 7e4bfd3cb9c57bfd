import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, PeerId } from '../../base/index.ts';
import { withDeadline } from '../node/deadline.ts';
import { askCapability } from '../protocols/capability/client.ts';
import { CAPABILITY_LIMITS, CAPABILITY_PROTOCOL, CAPABILITY_TIMEOUT_MS } from '../protocols/capability/constants.ts';
import { capabilityProtocolErrors } from '../protocols/capability/errors.ts';
import type { Mesh } from '../types.ts';
import { open } from './message.ts';
import { BEAT_MS, GREET_EVERY_MS, GREET_MS } from './options.ts';

export interface AskClockInit {
  readonly mesh: Pick<Mesh, 'open' | 'ping'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * How far a connected peer's clock is ahead of ours in ms (negative: behind), for a node that does not listen to who is there. The peer is asked for
 * what it signed last, which is as old as its last beat; where that leaves a doubt, once more after it has greeted us. Undefined from a peer that
 * tells nothing of itself. Throws MESH_*.
 */
export async function askClock(peer: PeerId, init: AskClockInit): Promise<number | undefined> {
  const first = await ask(peer, init);
  if (first === undefined || Math.abs(first) <= 2 * BEAT_MS) return first;
  await delay(GREET_MS + GREET_EVERY_MS, undefined, { signal: init.signal });
  // Whatever is older looks further behind.
  return Math.max(first, await ask(peer, init) ?? first);
}

async function ask(peer: PeerId, { mesh, clock, signal }: AskClockInit): Promise<number | undefined> {
  const rttMs = await mesh.ping(peer, { signal });
  const deadline = { timeoutMs: CAPABILITY_TIMEOUT_MS, error: () => capabilityProtocolErrors.timedOut(peer), signal };
  const told = await withDeadline(deadline, async (within) =>
    askCapability(await mesh.open(peer, CAPABILITY_PROTOCOL, { limits: CAPABILITY_LIMITS, signal: within }), { version: 1, peers: [peer] }, within));
  const times = told.map(({ bytes }) => open(bytes).message).filter((message) => message.peer === peer).map(({ at }) => at);
  return times.length === 0 ? undefined : Math.max(...times) + rttMs / 2 - clock.now();
}
