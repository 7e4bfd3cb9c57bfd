import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs, type PeerId } from '../../../base/index.ts';
import { meshErrors } from '../../errors.ts';
import type { FrameStream, ProtocolLimits } from '../../types.ts';
import type { FrameStreamInit, StreamTraffic } from '../frame-stream.ts';
import { MOVE_ANSWER_MS, MOVE_EXTRA_BYTES, MOVE_EXTRA_FRAMES, MOVE_ID_BYTES, MOVE_RETRY } from './constants.ts';
import { newMoveId, openFrame, readMoveFrame, type MoveFrame } from './frames.ts';
import { MovableStream, pathOf, type Path } from './movable-stream.ts';

/** What a path may carry: the stream's own frames, and the few that name and end it. */
export const pathLimits = (limits: ProtocolLimits): ProtocolLimits => ({
  ...limits, maxFrameBytes: Math.max(limits.maxFrameBytes, MOVE_ID_BYTES) + MOVE_EXTRA_BYTES, maxQueuedFrames: limits.maxQueuedFrames + MOVE_EXTRA_FRAMES,
});

/** The stream counts what it carries; its paths do not count it again. */
export const pathTraffic = (traffic: StreamTraffic): StreamTraffic => ({ sent: () => undefined, received: () => undefined, refused: (code) => traffic.refused(code) });

/** Where a stream of ours goes, and how to open another path of it. */
interface Opened {
  readonly stream: MovableStream;
  connectionId: string;
}

export interface MoveTarget {
  readonly connectionId: string;
  /** A fresh path on that connection. */
  readonly open: (protocol: string, limits: ProtocolLimits) => Promise<FrameStream>;
}

/** The streams of a node that can change their connection. */
export class Moves {
  readonly #targetOf: (peer: PeerId) => MoveTarget | undefined;
  readonly #settling = new Set<PeerId>();
  readonly #over = new AbortController();
  readonly #opened = new Set<Opened>();
  /** Those that peers opened, by peer, protocol and id: another peer cannot name one. */
  readonly #accepted = new Map<string, MovableStream>();

  /** `targetOf`: the connection that streams to a peer belong on now. */
  constructor(targetOf: (peer: PeerId) => MoveTarget | undefined) {
    this.#targetOf = targetOf;
  }

  stop(): void {
    this.#over.abort();
  }

  /** A stream of ours on its first path. */
  begin(path: FrameStream, init: FrameStreamInit & { readonly connectionId: string }): FrameStream {
    const { connectionId, ...rest } = init;
    const stream = new MovableStream(pathOf(path), { ...rest, id: newMoveId() });
    const opened: Opened = { stream, connectionId };
    this.#opened.add(opened);
    void stream.closed.then(() => this.#opened.delete(opened));
    path.send(openFrame(stream.id)).catch(() => undefined);
    // A better connection may have come while the stream was opened on this one.
    void this.settle(init.peer);
    return stream;
  }

  /** A path that a peer opened: a new stream's first one is given to `accept`, another one to the stream it names. */
  async receive(stream: FrameStream, init: FrameStreamInit, accept: (stream: FrameStream) => void): Promise<void> {
    const path = pathOf(stream);
    const frame = await firstFrame(path, init);
    if (frame?.kind !== 'open' && frame?.kind !== 'join') return refuse(stream, init);
    const key = keyOf(init, frame.id);
    const known = this.#accepted.get(key);
    if (frame.kind === 'join') {
      if (known !== undefined) return known.join(path);
      // On a quicker way than the stream's own name, which may still come.
      return stream.abort(meshErrors.connectionLost({ peer: init.peer }));
    }
    if (known !== undefined) return refuse(stream, init);
    const movable = new MovableStream(path, { ...init, id: frame.id });
    this.#accepted.set(key, movable);
    void movable.closed.then(() => this.#accepted.delete(key));
    accept(movable);
  }

  /**
   * Brings our streams to that peer to the connection where they belong; to be called when that is another one. A move that does not come about leaves
   * its stream where it is, and is tried again, ever less often. Never rejects.
   */
  async settle(peer: PeerId): Promise<void> {
    if (this.#settling.has(peer)) return;
    this.#settling.add(peer);
    try {
      for (let attempt = 0; await this.#moveTo(this.#targetOf(peer), peer); attempt++) {
        await delay(backoffMs(attempt, MOVE_RETRY), undefined, { signal: this.#over.signal, ref: false });
      }
    } catch {
      // The node stops.
    } finally {
      this.#settling.delete(peer);
    }
  }

  /** Whether some are still elsewhere. */
  async #moveTo(target: MoveTarget | undefined, peer: PeerId): Promise<boolean> {
    if (target === undefined) return false;
    const able = this.#elsewhere(peer, target).filter(({ stream }) => stream.canMove);
    await Promise.allSettled(able.map(async (one) => {
      await one.stream.move(await target.open(one.stream.protocol, one.stream.limits), AbortSignal.timeout(MOVE_ANSWER_MS));
      one.connectionId = target.connectionId;
    }));
    const now = this.#targetOf(peer);
    return now !== undefined && this.#elsewhere(peer, now).length > 0;
  }

  readonly #elsewhere = (peer: PeerId, { connectionId }: MoveTarget): readonly Opened[] =>
    [...this.#opened].filter((one) => one.stream.peer === peer && one.connectionId !== connectionId && !one.stream.isEnding);
}

const keyOf = ({ peer, protocol }: FrameStreamInit, id: string): string => `${peer} ${protocol} ${id}`;
const where = ({ peer, protocol }: FrameStreamInit): { peer: string; protocol: string } => ({ peer, protocol });

/** Undefined for what is none, and where none comes. */
async function firstFrame({ stream, frames }: Path, init: FrameStreamInit): Promise<MoveFrame | undefined> {
  const tooLate = setTimeout(() => stream.abort(meshErrors.moveInvalid({ ...where(init), reason: 'it does not name the stream' })), MOVE_ANSWER_MS);
  const first = await frames.next().catch(() => undefined).finally(() => clearTimeout(tooLate));
  return first === undefined || first.done === true ? undefined : readMoveFrame(first.value);
}

function refuse(stream: FrameStream, init: FrameStreamInit): void {
  stream.abort(meshErrors.moveInvalid({ ...where(init), reason: 'it names no stream of its own' }));
}
