import type { PeerId } from '../../../base/index.ts';
import { meshErrors } from '../../errors.ts';
import type { FrameStream, ProtocolLimits } from '../../types.ts';
import type { FrameStreamInit, StreamTraffic } from '../frame-stream.ts';
import { MOVE_ANSWER_MS, MOVE_EXTRA_BYTES, MOVE_EXTRA_FRAMES, MOVE_ID_BYTES } from './constants.ts';
import { newMoveId, openFrame, readMoveFrame } from './frames.ts';
import { MovableStream, pathOf } from './movable-stream.ts';

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
  readonly #opened = new Set<Opened>();
  /** Those that peers opened, by peer, protocol and id: another peer cannot name one. */
  readonly #accepted = new Map<string, MovableStream>();

  /** A stream of ours on its first path. */
  begin(path: FrameStream, init: FrameStreamInit & { readonly connectionId: string }): FrameStream {
    const { connectionId, ...rest } = init;
    const stream = new MovableStream(pathOf(path), { ...rest, id: newMoveId() });
    const opened: Opened = { stream, connectionId };
    this.#opened.add(opened);
    void stream.closed.then(() => this.#opened.delete(opened));
    path.send(openFrame(stream.id)).catch(() => undefined);
    return stream;
  }

  /** A path that a peer opened: a new stream's first one is given to `accept`, another one to the stream it names. */
  async receive(stream: FrameStream, init: FrameStreamInit, accept: (stream: FrameStream) => void): Promise<void> {
    const path = pathOf(stream);
    const tooLate = setTimeout(() => stream.abort(meshErrors.moveInvalid({ ...where(init), reason: 'it does not name the stream' })), MOVE_ANSWER_MS);
    const first = await path.frames.next().catch(() => undefined).finally(() => clearTimeout(tooLate));
    const frame = first === undefined || first.done === true ? undefined : readMoveFrame(first.value);
    const key = frame?.kind === 'open' || frame?.kind === 'join' ? keyOf(init, frame.id) : undefined;
    const known = key === undefined ? undefined : this.#accepted.get(key);
    if (frame?.kind === 'join' && known !== undefined) return known.join(path);
    if (frame?.kind !== 'open' || key === undefined || known !== undefined) return refuse(stream, init);
    const movable = new MovableStream(path, { ...init, id: frame.id });
    this.#accepted.set(key, movable);
    void movable.closed.then(() => this.#accepted.delete(key));
    accept(movable);
  }

  /** Moves our streams to that peer over to another connection. A move that does not come about leaves the stream where it is. */
  async moveAll(peer: PeerId, { connectionId, open }: MoveTarget): Promise<void> {
    const elsewhere = [...this.#opened].filter((one) => one.stream.peer === peer && one.connectionId !== connectionId && one.stream.canMove);
    await Promise.allSettled(elsewhere.map(async (one) => {
      const { stream } = one;
      await stream.move(await open(stream.protocol, stream.limits), AbortSignal.timeout(MOVE_ANSWER_MS));
      one.connectionId = connectionId;
    }));
  }
}

const keyOf = ({ peer, protocol }: FrameStreamInit, id: string): string => `${peer} ${protocol} ${id}`;
const where = ({ peer, protocol }: FrameStreamInit): { peer: string; protocol: string } => ({ peer, protocol });

function refuse(stream: FrameStream, init: FrameStreamInit): void {
  stream.abort(meshErrors.moveInvalid({ ...where(init), reason: 'it names no stream of its own' }));
}
