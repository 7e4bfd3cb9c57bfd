export { canRecover, Recovery, type RecoveryInit, type Rerouted } from './recovery.ts';
export { PaceWatch, type SlowStage, type StageSample } from './pace.ts';
export { createReroute, type Candidate, type Choose, type Loss, type StandingPeer, type Reroute, type RerouteInit, type RerouteRequest } from './reroute.ts';
