import type { Clock, CodedError, ShardCid } from '../../../base/index.ts';
import type { ShardTarget } from '../ports.ts';
import type { ScheduleOptions } from '../schedule/schedule.ts';

export interface WantedFile {
  readonly cid: ShardCid;
  readonly sizeBytes: number;
}

export interface FetchOptions extends Partial<ScheduleOptions> {
  readonly shards: readonly WantedFile[];
  readonly target: ShardTarget;
  readonly clock: Clock;
  readonly downloadBytesPerSecond?: number | undefined;
  /** How long to wait when nobody has what is missing; sources may come. */
  readonly patienceMs?: number;
  /** A source that was asked and is silent for so long is given up. */
  readonly silenceMs?: number;
  /** How often sources that have only a part are asked again what they have. */
  readonly refreshMs?: number;
  readonly onEvent?: (event: FetchEvent) => void;
}

export type FetchEvent =
  | { readonly kind: 'progress'; readonly bytesDone: number; readonly bytesTotal: number }
  /** A shard is whole and has its name. */
  | { readonly kind: 'shard'; readonly cid: ShardCid }
  | { readonly kind: 'stalled'; readonly source: string }
  /** A source is not used any more; `error` says why and whose fault it is. */
  | { readonly kind: 'dropped'; readonly source: string; readonly error: CodedError };

export interface FetchReport {
  readonly bytesTotal: number;
  /** Came from sources and was kept; the rest was here. */
  readonly bytesFetched: number;
  /** Came and was not needed. */
  readonly bytesTwice: number;
  readonly sources: ReadonlyArray<{ readonly name: string; readonly bytes: number; readonly error?: CodedError }>;
}

/** What a source in use is worth. */
export interface SourceWorth {
  readonly name: string;
  /** Undefined until something came. */
  readonly bytesPerSecond: number | undefined;
  /** It was asked and is silent. */
  readonly isStalled: boolean;
  /** It has blocks that are missing; undefined until it said what it has. */
  readonly isUseful: boolean | undefined;
}
