import type { DecodeLane } from '../engine/lane.ts';
import type { LaneAnswer, LaneCall } from '../protocol/messages.ts';

/** Carries out one call of a parent on the lane. */
export async function callLane(lane: DecodeLane, call: Exclude<LaneCall, { call: 'open' }>): Promise<LaneAnswer> {
  switch (call.call) {
    case 'busy': return lane.busyUs();
    case 'stats': return lane.stats(call.session);
    case 'steps': return lane.steps(call.session);
    case 'expect': await lane.expect(call.session, call); break;
    case 'connect': lane.connect(call.session, call, call); break;
    case 'begin': lane.begin(call.session, call.run, call); break;
    case 'speculate': lane.speculate(call.session, call.how); break;
    case 'feed': lane.feed(call.session, call.run, call); break;
    case 'token': lane.token(call.session, call.run, call); break;
    case 'limit': lane.limit(call.session, call.run, call.limit); break;
    case 'stop': lane.stop(call.session, call.run); break;
    default: lane.leave(call.session);
  }
  return null;
}
