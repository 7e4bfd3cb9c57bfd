import { toCoded, type Clock, type Logger, type Metrics, type Service } from '../../base/index.ts';
import type { WorkerOptions } from '../../inference/index.ts';
import { Presence, type Member, type Mesh, type ModelOffer } from '../../mesh/index.ts';
import type { StageRunner } from '../../pipeline/index.ts';
import type { HostConfig } from '../config.ts';
import type { ServingRules } from '../contribute/gate.ts';
import type { LinkMeter } from '../link-meter.ts';
import type { AppPaths } from '../paths.ts';
import { Calibrator, type CalibratorInit } from './calibrator.ts';
import type { LayersHere } from './layer-sets.ts';
import { NodeProfile } from './node-profile.ts';

export interface NodePresenceInit {
  readonly config: HostConfig;
  /** Of a node that serves others only as its owner lets it. */
  readonly serving?: ServingRules | undefined;
  readonly paths: AppPaths;
  readonly version: string;
  readonly mesh: Mesh;
  readonly runner: Pick<StageRunner, 'events'>;
  readonly links: Pick<LinkMeter, 'bandwidthTo'>;
  readonly worker: WorkerOptions;
  readonly held: () => readonly LayersHere[];
  readonly others: () => readonly ModelOffer[];
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly calibration?: Pick<CalibratorInit, 'isCalm' | 'times'>;
}

/** Who is there and what they can do, and what this node tells of itself. */
export interface NodePresence extends Service, Pick<Presence, 'events' | 'members' | 'member' | 'isGone' | 'self' | 'clocks'> {
  /** Other nodes with what they told: memory that is free, layers, speeds. */
  members(): readonly Member[];
  /** Something that is told may have changed. */
  changed(): void;
  /** Something is to be computed here: no measuring now. */
  computing(): void;
}

export function createNodePresence({ config, runner, links, calibration, ...init }: NodePresenceInit): NodePresence {
  const changed = (): void => void presence.changed();
  const profile = new NodeProfile({ ...init, config, bandwidthTo: links.bandwidthTo, onChange: changed });
  const presence = new Presence({ ...init, profile: () => profile.read() });
  const calibrator = new Calibrator({ ...init, config, ...calibration, onMeasured: (measured) => profile.calibrated(measured) });
  const offs = [
    runner.events.on('engine:loaded', (engine) => profile.loaded(engine)),
    runner.events.on('engine:unloaded', (engine) => profile.unloaded(engine)),
    runner.events.on('session:opened', () => calibrator.interrupt()),
    init.mesh.events.on('reachability', changed),
  ];
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    for (const off of offs) off();
    // The farewell first: others must not count on us any longer.
    await presence.stop();
    await Promise.all([profile.stop(), calibrator.stop()]).catch((error: unknown) => init.logger.warn({ code: toCoded(error).code }, 'a measurement did not end cleanly'));
  };
  return {
    name: 'presence', events: presence.events,
    start: async () => {
      await presence.start();
      profile.start();
      if (config.calibrate) calibrator.start();
    },
    stop: () => (stopping ??= stop()),
    members: () => presence.members(), member: (peer) => presence.member(peer), isGone: (peer) => presence.isGone(peer), self: () => presence.self(), clocks: () => presence.clocks(),
    changed, computing: () => calibrator.interrupt(),
  };
}
