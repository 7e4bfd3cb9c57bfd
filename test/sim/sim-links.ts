import { AbstractStream } from '@libp2p/utils';
import type { Uint8ArrayList } from 'uint8arraylist';
import type { VirtualTime } from './virtual-time.ts';

export interface LinkOptions {
  /** One way, ms: each link has its own between these. */
  readonly latencyMs: { readonly min: number; readonly max: number };
  /** Up to as much longer takes a frame, ms. */
  readonly jitterMs: number;
  /** Of the frames, 0..1. As over TCP none is missing: it is sent again, and what follows waits for it. */
  readonly loss: number;
}

/** What a node sent, by protocol: frames of streams as they go into the muxer. */
export class Traffic {
  bytes = 0;
  frames = 0;
  lost = 0;
}

/** As TCP has it: a first repeat after 200 ms at the least (Linux), each later one after twice the time. */
const MIN_REPEAT_MS = 200;
const MAX_REPEATS = 8;

/** One direction of a connection: what goes in comes out later, in order. */
export class Wire {
  readonly #time: VirtualTime;
  readonly #options: LinkOptions;
  readonly latencyMs: number;
  #lastMs = 0;
  isCut = false;
  #held: (() => void)[] | undefined;

  constructor(time: VirtualTime, options: LinkOptions, latencyMs: number) {
    this.#time = time;
    this.#options = options;
    this.latencyMs = latencyMs;
  }

  send(traffic: Traffic | undefined, arrive: () => void): void {
    const { jitterMs, loss } = this.#options;
    let takesMs = this.latencyMs + jitterMs * this.#time.random();
    for (let repeatMs = Math.max(MIN_REPEAT_MS, 3 * this.latencyMs), n = 0; n < MAX_REPEATS && this.#time.random() < loss; n++, repeatMs *= 2) {
      takesMs += repeatMs;
      if (traffic !== undefined) traffic.lost++;
    }
    this.#lastMs = Math.max(this.#lastMs, this.#time.now() + Math.ceil(takesMs));
    this.#time.after(this.#lastMs - this.#time.now(), () => this.#arrive(arrive));
  }

  /** What comes out is kept until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const arrive of held) this.#arrive(arrive);
  }

  #arrive(arrive: () => void): void {
    if (this.isCut) return;
    if (this.#held === undefined) arrive();
    else this.#held.push(arrive);
  }
}

interface SimStreamInit {
  readonly id: string;
  readonly protocol: string;
  readonly direction: 'inbound' | 'outbound';
  readonly wire: Wire;
  readonly traffic: Traffic;
}

const silent = Object.assign(() => undefined, { enabled: false, error: () => undefined, trace: () => undefined, newScope: () => silent });
export const simLogger = { forComponent: () => silent };

/** A libp2p stream over two wires. */
export class SimStream extends AbstractStream {
  peer: SimStream | undefined;
  readonly #wire: Wire;
  readonly #traffic: Traffic;

  constructor({ wire, traffic, ...init }: SimStreamInit) {
    super({ ...init, log: silent as never });
    this.#wire = wire;
    this.#traffic = traffic;
  }

  override sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    const bytes = data.slice();
    this.#traffic.bytes += bytes.byteLength;
    this.#traffic.frames++;
    this.#wire.send(this.#traffic, () => this.peer?.onData(bytes));
    return { sentBytes: bytes.byteLength, canSendMore: true };
  }

  override sendReset(): void { this.#wire.send(undefined, () => this.peer?.onRemoteReset()); }
  override async sendCloseWrite(): Promise<void> { this.#wire.send(undefined, () => this.peer?.onRemoteCloseWrite()); }
  override async sendCloseRead(): Promise<void> { this.#wire.send(undefined, () => this.peer?.onRemoteCloseRead()); }
  override sendPause(): void { /* no back-pressure here: rates are far below what links carry */ }
  override sendResume(): void { /* as above */ }
}
