import { randomBytes } from 'node:crypto';
import { GREEDY, type DecodeLane, type LaneFeed, type LaneListener, type LaneLoss, type LaneRow, type LaneToken, type SamplingOptions, type Speculation, type StageEngine, type StageInput } from '../../src-main/inference/index.ts';
import { dtypeAt, only, type Boundaries } from '../compliance/stage-chain.ts';

export const HOST = '127.0.0.1';

/** What one lane told, and promises of what it will tell. */
export class Heard implements LaneListener {
  readonly tokens: LaneToken[] = [];
  readonly rows: LaneRow[] = [];
  readonly losses: LaneLoss[] = [];
  ups = 0;
  readonly #waiting = new Set<() => void>();

  onUp(): void {
    this.ups++;
    this.#wake();
  }

  onLost(_session: number, loss: LaneLoss): void {
    this.losses.push(loss);
    this.#wake();
  }

  onToken(_session: number, token: LaneToken): void {
    this.tokens.push(token);
    this.#wake();
  }

  onHidden(_session: number, row: LaneRow): void {
    this.rows.push(row);
    this.#wake();
  }

  /** Resolves when `holds` does. */
  async until(holds: (heard: this) => boolean): Promise<void> {
    while (!holds(this)) await new Promise<void>((resolve) => void this.#waiting.add(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

export interface Seat {
  readonly engine: StageEngine;
  readonly heard: Heard;
  readonly lane: DecodeLane;
  readonly session: number;
}

export interface SeatOptions {
  readonly sampling?: SamplingOptions;
  /** Absent: the session takes no drafts. */
  readonly speculate?: Speculation;
}

/** One seat per stage, each with its lane open and one session. */
export async function takeSeats(engines: readonly StageEngine[], { sampling = GREEDY, speculate }: SeatOptions = {}): Promise<Seat[]> {
  return Promise.all(engines.map(async (engine) => {
    const heard = new Heard();
    const lane = await engine.openLane?.(HOST, heard);
    if (lane === undefined) throw new RangeError('this engine has no lane');
    const session = await engine.open(sampling);
    if (speculate !== undefined) lane.speculate(session, speculate);
    return { engine, heard, lane, session };
  }));
}

/** Lets `from` dial `to`, and waits until the connection stands. */
export async function join(from: Seat, to: Seat): Promise<void> {
  const ticket = { id: randomBytes(16), key: randomBytes(32) };
  const before = from.heard.ups;
  await to.lane.expect(to.session, ticket);
  from.lane.connect(from.session, { host: HOST, port: to.lane.port }, ticket);
  await from.heard.until(({ ups }) => ups > before);
}

export async function closeRing(seats: readonly Seat[]): Promise<void> {
  for (const [i, seat] of seats.entries()) await join(seat, seats[(i + 1) % seats.length] as Seat);
}

export interface Prefill {
  readonly prompt: readonly number[];
  readonly dtype: Boundaries;
  readonly run: number;
  /** Position of the prompt's first token. */
  readonly from?: number;
}

/** The prompt through `forward`, as a runner does; returns the first token. */
export async function prefill(seats: readonly Seat[], { prompt, dtype, run, from = 0 }: Prefill): Promise<number> {
  let input: StageInput = { kind: 'tokens', tokens: Int32Array.from(prompt) };
  for (const [i, { engine, lane, session }] of seats.entries()) {
    lane.begin(session, run, { takes: dtypeAt(dtype, i - 1), sends: dtypeAt(dtype, i) });
    const want = i === seats.length - 1 ? { kind: 'sample' } as const : { kind: 'hidden', dtype: dtypeAt(dtype, i) } as const;
    const out = await only(engine, { session, position: from, input, want });
    if (out.kind === 'sampled') return out.token;
    if (out.kind === 'hidden') input = out;
  }
  throw new RangeError('nothing was sampled');
}

/** Hands stage 0's ring to its lane, with the first token due. */
export function start({ lane, session }: Seat, { run, feed, first }: { readonly run: number; readonly feed: LaneFeed; readonly first: { readonly token: number; readonly position: number } }): void {
  lane.feed(session, run, feed);
  lane.token(session, run, first);
}
