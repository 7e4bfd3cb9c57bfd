/** Before the id of the protocol that the stream is of: a peer that has not this does not see it. */
const MOVE_PREFIX = '/omni/move/1.0.0';

/** What a stream that can change its connection is opened as, e.g. `/omni/move/1.0.0/omni/stage/1.0.0`. */
export const movable = (protocol: string): string => `${MOVE_PREFIX}${protocol}`;

/** Random, so that nobody else's can be guessed; the peer's proved identity is part of the name as well. */
export const MOVE_ID_BYTES = 16;
/** For the first frame of a path, and for the answer to a join. */
export const MOVE_ANSWER_MS = 5_000;
/** Between attempts to bring a stream where it belongs. */
export const MOVE_RETRY = { firstMs: 100, maxMs: 10_000 } as const;
/** What a path's frame has more than the stream's: its kind. */
export const MOVE_EXTRA_BYTES = 1;
/** Frames of a path beside the stream's own that may wait to be read. */
export const MOVE_EXTRA_FRAMES = 4;
