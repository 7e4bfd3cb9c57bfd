import type { Clock, PeerId } from '../../base/index.ts';
import { ALIVE_LIMITS, ALIVE_PROTOCOL, ALIVE_TIMEOUT_MS, SIGN_EVERY_MS } from '../protocols/alive/constants.ts';
import { encodeSign } from '../protocols/alive/schema.ts';
import { serveAlive } from '../protocols/alive/server.ts';
import type { FrameStream, Mesh, PeerSummary } from '../types.ts';
import { MISSED_SIGNS, SIGN_SLACK_MS } from './options.ts';

export interface SignsInit {
  readonly mesh: Pick<Mesh, 'open' | 'peers' | 'handle'>;
  readonly clock: Clock;
  /** A neighbour gives no signs any more, though it is connected. Told once, until it gives one again. */
  readonly onSilent: (peer: PeerId) => void;
  readonly onTrouble: (error: unknown) => void;
}

interface Heard {
  dueMs: number;
  isSilent: boolean;
}

/** Gives each neighbour a sign of life every SIGN_EVERY_MS, and notices whose signs stay away: frozen machines, dead links that nobody closed. */
export class Signs {
  readonly #init: SignsInit;
  /** Undefined while it is opened. */
  readonly #streams = new Map<PeerId, FrameStream | undefined>();
  /** Whose last sign has not gone out yet. */
  readonly #stuck = new Set<FrameStream>();
  readonly #heard = new Map<PeerId, Heard>();
  readonly #sign = encodeSign(SIGN_EVERY_MS);
  #off: (() => void) | undefined;

  constructor(init: SignsInit) {
    this.#init = init;
  }

  async start(): Promise<void> {
    const { mesh, onTrouble } = this.#init;
    const giving = setInterval(() => this.#giveAll(), SIGN_EVERY_MS).unref();
    const unhandle = await mesh.handle(ALIVE_PROTOCOL, ALIVE_LIMITS, (stream) => void serveAlive(stream, (everyMs) => this.#hear(stream.peer, everyMs)).catch(onTrouble));
    this.#off = () => {
      clearInterval(giving);
      unhandle();
    };
  }

  stop(): void {
    this.#off?.();
    for (const stream of this.#streams.values()) void stream?.close();
    this.#streams.clear();
  }

  /** A neighbour introduced itself: if it speaks the protocol, signs are to be expected. */
  met({ peer, protocols }: Pick<PeerSummary, 'peer' | 'protocols'>): void {
    if (protocols.includes(ALIVE_PROTOCOL) && !this.#heard.has(peer)) this.#hear(peer, SIGN_EVERY_MS);
  }

  lost(peer: PeerId): void {
    this.#heard.delete(peer);
  }

  /** Says who fell silent. While we were frozen ourselves, for `missedMs`, nobody could be heard. */
  check(missedMs: number): void {
    const nowMs = this.#init.clock.monotonicMs();
    for (const [peer, heard] of this.#heard) {
      heard.dueMs += missedMs;
      if (heard.isSilent || heard.dueMs > nowMs) continue;
      heard.isSilent = true;
      this.#init.onSilent(peer);
    }
  }

  #hear(peer: PeerId, everyMs: number): void {
    this.#heard.set(peer, { dueMs: this.#init.clock.monotonicMs() + MISSED_SIGNS * everyMs + SIGN_SLACK_MS, isSilent: false });
  }

  #giveAll(): void {
    for (const { peer, protocols } of this.#init.mesh.peers()) {
      const stream = this.#streams.get(peer);
      if (stream !== undefined) this.#give(stream);
      // Who gives signs expects them, also if it introduced itself before it could.
      else if (!this.#streams.has(peer) && (protocols.includes(ALIVE_PROTOCOL) || this.#heard.has(peer))) void this.#open(peer);
    }
  }

  async #open(peer: PeerId): Promise<void> {
    this.#streams.set(peer, undefined);
    try {
      const stream = await this.#init.mesh.open(peer, ALIVE_PROTOCOL, { limits: ALIVE_LIMITS, signal: AbortSignal.timeout(ALIVE_TIMEOUT_MS) });
      this.#streams.set(peer, stream);
      void stream.closed.then(() => this.#streams.delete(peer));
      this.#give(stream);
    } catch (error) {
      this.#streams.delete(peer);
      this.#init.onTrouble(error);
    }
  }

  #give(stream: FrameStream): void {
    if (this.#stuck.has(stream)) return;
    this.#stuck.add(stream);
    stream.send(this.#sign).catch((error: unknown) => {
      this.#init.onTrouble(error);
      void stream.close();
    }).finally(() => this.#stuck.delete(stream));
  }
}
