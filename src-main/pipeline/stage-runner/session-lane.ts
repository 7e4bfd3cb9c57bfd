import { randomBytes } from 'node:crypto';
import type { DecodeLane, LaneStats, LaneSteps, Speculation, StageDtypes } from '../../inference/index.ts';
import { FrameType } from '../wire/constants.ts';
import { MAX_LANE_OFFERS } from '../options.ts';
import type { LaneNetwork } from '../ports.ts';
import type { FrameAddress } from '../wire/frame.ts';
import type { StageLink } from '../wire/link.ts';
import type { ControlMessage } from '../wire/schema.ts';
import type { TokenFeeder } from './token-feeder.ts';

export interface SessionLaneInit {
  readonly lane: DecodeLane;
  readonly slot: number;
  readonly dtypes: StageDtypes;
  /** Absent: no rows are drafts. */
  readonly speculate?: Speculation | undefined;
  readonly network: Pick<LaneNetwork, 'hostOf' | 'epoch'>;
  /** Hears of a run that is over. */
  readonly onRun: (stats: LaneStats) => void;
}

/**
 * One session's share of its engine's lane. Each boundary is agreed on its own, once rows have passed it: the sender
 * asks, the receiver answers with a port and a ticket, the sender dials. Until that stands, and where it never does,
 * rows go over the mesh: also where the receiver is behind a relay, until it is reached directly. A boundary that went
 * over to the lane stays there.
 */
export class SessionLane {
  readonly #init: SessionLaneInit;
  /** Where the receiver was when it was asked, and the epoch of the network in which that was looked at. */
  #askedAt: string | undefined;
  #lookedAt: number | undefined;
  #offers = 0;
  #up = false;
  #feeds = false;

  constructor(init: SessionLaneInit) {
    this.#init = init;
    if (init.speculate !== undefined) init.lane.speculate(init.slot, init.speculate);
  }

  /** Rows may come or go without this process seeing them: only the engine knows how many there are. */
  get mayRun(): boolean {
    return this.#offers > 0 || this.#up;
  }

  /** Decides which tokens are fed in the present run. */
  get feeds(): boolean {
    return this.#feeds;
  }

  begin(run: number): void {
    this.#feeds = false;
    this.#count();
    this.#init.lane.begin(this.#init.slot, run, this.#init.dtypes);
  }

  /** To be called when something was sent to the next stage: then that has the session open. */
  ask(to: FrameAddress, next: StageLink | undefined): void {
    const { network } = this.#init;
    if (this.#up || next?.knows('lane') !== true || network.epoch() === this.#lookedAt) return;
    this.#lookedAt = network.epoch();
    const host = network.hostOf(next.peer);
    if (host === undefined || host === this.#askedAt) return;
    this.#askedAt = host;
    next.post(to, { type: FrameType.laneRequest });
  }

  /** The stage before asked: it gets a ticket, and another one should it find us elsewhere. Rejects with ENGINE_*. */
  async offer(to: FrameAddress, previous: StageLink): Promise<void> {
    if (this.#offers >= MAX_LANE_OFFERS) return;
    this.#offers++;
    const { lane, slot } = this.#init;
    const [id, key] = [randomBytes(16), randomBytes(32)];
    // The peer dials as soon as it reads this: by then it must be expected.
    await lane.expect(slot, { id, key });
    previous.postControl(to, FrameType.lane, { port: lane.port, id: id.toString('hex'), key: key.toString('hex') });
  }

  /** The next stage answered. */
  connect(next: StageLink, { port, id, key }: ControlMessage<typeof FrameType.lane>): void {
    const host = this.#init.network.hostOf(next.peer);
    if (this.#askedAt === undefined || this.#up || host === undefined) return;
    this.#init.lane.connect(this.#init.slot, { host, port }, { id: Buffer.from(id, 'hex'), key: Buffer.from(key, 'hex') });
  }

  onUp(): void {
    this.#up = true;
  }

  /** Stage 0: gives the ring to the lane with the token that is due; false: the lane does not stand. */
  takeOver(feeder: TokenFeeder, at: { readonly token: number; readonly position: number }): boolean {
    if (!this.#up) return false;
    const { lane, slot } = this.#init;
    const { run, ...feed } = feeder.handOver();
    lane.feed(slot, run, feed);
    lane.token(slot, run, at);
    this.#feeds = true;
    return true;
  }

  /** A token that reached stage 0 over the mesh while the lane feeds. */
  token(run: number, at: { readonly token: number; readonly position: number }): void {
    this.#init.lane.token(this.#init.slot, run, at);
  }

  limit(run: number, limit: number): void {
    if (this.#feeds) this.#init.lane.limit(this.#init.slot, run, limit);
  }

  stop(run: number): void {
    if (this.#feeds) this.#init.lane.stop(this.#init.slot, run);
  }

  stats(): Promise<LaneStats> {
    return this.#init.lane.stats(this.#init.slot);
  }

  steps(): Promise<LaneSteps> {
    return this.#init.lane.steps(this.#init.slot);
  }

  leave(): void {
    this.#count();
    this.#init.lane.leave(this.#init.slot);
  }

  // Asked before the run is over for the lane, so that the answer is about it.
  #count(): void {
    void this.stats().then((stats) => this.#init.onRun(stats));
  }
}
