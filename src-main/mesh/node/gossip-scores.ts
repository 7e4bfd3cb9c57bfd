import { createPeerScoreParams, createTopicScoreParams, type PeerScoreParams, type PeerScoreThresholds } from '@libp2p/gossipsub/score';
import { asPeerId, type PeerId } from '../../base/index.ts';
import { TOPICS } from '../types.ts';

/*
 * How gossipsub judges its neighbours (gossipsub v1.1 specification, peer scoring). The score of a peer below 0 takes it out of the
 * mesh of topics; below GRAYLIST nothing of it is read. docs/protocols/zones.md says why each figure is as it is.
 */
export const GRAYLIST = -80;
export const THRESHOLDS: PeerScoreThresholds = { gossipThreshold: -20, publishThreshold: -40, graylistThreshold: GRAYLIST, acceptPXThreshold: 100, opportunisticGraftThreshold: 1 };

/** One invalid message costs 4 and the place in the mesh, the fifth (5 x 5 x 4 = 100) the ear. */
const INVALID_WEIGHT = -4;
/** Per second: half is forgotten after 69 s. */
const SLOW_DECAY = 0.99;
/** A fault that the mesh noticed: 12 of them together graylist. */
const FAULT_WEIGHT = -7;
/** A household or a rack behind one address is welcome; a hundred ids from there are not a hundred peers. */
const PEERS_PER_ADDRESS = 32;

const topic = createTopicScoreParams({
  topicWeight: 1,
  // Little is to be won by being there, so that no attacker saves up for later.
  timeInMeshWeight: 0.01, timeInMeshQuantum: 1000, timeInMeshCap: 100,
  firstMessageDeliveriesWeight: 0.1, firstMessageDeliveriesDecay: SLOW_DECAY, firstMessageDeliveriesCap: 10,
  // Our topics may be quiet for minutes and links slow: who delivers little or late is not punished.
  meshMessageDeliveriesWeight: 0, meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: INVALID_WEIGHT, invalidMessageDeliveriesDecay: SLOW_DECAY,
});

/** `faultsOf`: what else the peer did wrong lately. */
export function scoreParams(faultsOf: (peer: PeerId) => number): PeerScoreParams {
  return createPeerScoreParams({
    topics: Object.fromEntries(TOPICS.map((name) => [name, topic])),
    topicScoreCap: 5,
    appSpecificScore: (peer) => faultsOf(asPeerId(peer)), appSpecificWeight: FAULT_WEIGHT,
    IPColocationFactorThreshold: PEERS_PER_ADDRESS, IPColocationFactorWeight: -0.25, IPColocationFactorWhitelist: new Set(['127.0.0.1', '::1']),
    // Broken promises and early grafts: two are chance.
    behaviourPenaltyThreshold: 2, behaviourPenaltyWeight: -4, behaviourPenaltyDecay: SLOW_DECAY,
    decayInterval: 1000, decayToZero: 0.01, retainScore: 60 * 60_000,
  });
}
