export { canRecover, Recovery, type RecoveryInit, type Rerouted } from './recovery.ts';
export { PaceWatch, type SlowStage, type StageSample } from './pace.ts';
export { explainRoute } from './explain-route.ts';
export { createReroute, type Candidate, type Choose, type Loss, type StandingPeer, type Reroute, type RerouteInit, type RerouteRequest } from './reroute.ts';
