import { RateLimiter, type Clock, type CodedError, type PeerId } from '../../base/index.ts';
import type { StreamTraffic } from '../streams/frame-stream.ts';
import type { FrameStream, ProtocolLimits } from '../types.ts';
import { MAX_WATCHED_PEERS, PEER_STREAMS } from './constants.ts';
import { zoneErrors } from './errors.ts';

/** What one peer sent on one protocol. */
interface Meter {
  readonly streams: RateLimiter | undefined;
  readonly requests: RateLimiter | undefined;
  readonly bytes: RateLimiter | undefined;
}

export interface MeteredTraffic extends StreamTraffic {
  /** The stream that is aborted when it is over a quota. */
  attach(stream: FrameStream): void;
}

/**
 * What a peer may ask of us, over all its sessions: streams a second on all protocols together; on each protocol the streams,
 * frames and bytes that its limits name. How many streams and frames may be open and unread at once is the streams' own limit.
 */
export class Quotas {
  readonly #clock: Clock;
  readonly #streams: RateLimiter;
  readonly #meters = new Map<string, Meter>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#streams = new RateLimiter({ ...PEER_STREAMS, maxKeys: MAX_WATCHED_PEERS }, clock);
  }

  /** Whether the peer may open one more stream of the protocol; why not. */
  refusalOf(peer: PeerId, protocol: string, limits: ProtocolLimits): CodedError | undefined {
    if (!this.#streams.take(peer)) return zoneErrors.tooManyStreams({ peer, perSecond: PEER_STREAMS.perSecond });
    return this.#meter(protocol, limits).streams?.take(peer) === false ? zoneErrors.quotaExceeded({ peer, protocol, what: 'streams' }) : undefined;
  }

  /** Counts what comes on a stream; over a quota the stream is aborted. */
  metered(traffic: StreamTraffic, { protocol, limits, peer }: { readonly protocol: string; readonly limits: ProtocolLimits; readonly peer: PeerId }): MeteredTraffic {
    const { requests, bytes } = this.#meter(protocol, limits);
    let stream: FrameStream | undefined;
    const stop = (what: string): void => stream?.abort(zoneErrors.quotaExceeded({ peer, protocol, what }));
    const received = requests === undefined && bytes === undefined ? traffic.received : (sizeBytes: number): void => {
      traffic.received(sizeBytes);
      if (requests?.take(peer) === false) stop('frames');
      else if (bytes?.take(peer, sizeBytes) === false) stop('bytes');
    };
    return { ...traffic, received, attach: (opened) => { stream = opened; } };
  }

  #meter(protocol: string, { streamsPerSecond, framesPerSecond, bytesPerSecond, maxFrameBytes }: ProtocolLimits): Meter {
    const known = this.#meters.get(protocol);
    if (known !== undefined) return known;
    const limiter = (perSecond: number | undefined, burst: number): RateLimiter | undefined =>
      (perSecond === undefined ? undefined : new RateLimiter({ perSecond, burst, maxKeys: MAX_WATCHED_PEERS }, this.#clock));
    // Two seconds' worth at once, and never less than one frame.
    const meter = {
      streams: limiter(streamsPerSecond, 2 * (streamsPerSecond ?? 0)), requests: limiter(framesPerSecond, 2 * (framesPerSecond ?? 0)), 
      bytes: limiter(bytesPerSecond, Math.max(2 * (bytesPerSecond ?? 0), maxFrameBytes)),
    };
    this.#meters.set(protocol, meter);
    return meter;
  }
}
