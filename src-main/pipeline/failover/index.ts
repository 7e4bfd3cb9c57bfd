export { canRecover, Recovery, type RecoveryInit, type Rerouted } from './recovery.ts';
export { createReroute, type Candidate, type Reroute, type RerouteInit, type RerouteRequest } from './reroute.ts';
