import type { CodedError, ShardCid } from '../../src-main/base/index.ts';
import { LEAF_BYTES, type LeafRun, type ShardTree, type Source, type SourceSink } from '../../src-main/store/index.ts';
import type { ShardFixture } from './shard-files.ts';

/** `useless`: has nothing; `silent`: has all and delivers nothing. */
export type SourceKind = 'good' | 'useless' | 'silent';

/** A source in this process: eighty of them cost nothing. */
export class SourceDouble implements Source {
  readonly name: string;
  readonly windowLeaves = 16;
  readonly closed: Promise<Error | undefined>;
  closedWith: CodedError | undefined;
  isClosed = false;
  readonly #kind: SourceKind;
  readonly #shard: ShardFixture;
  readonly #sink: SourceSink;
  readonly #settled = Promise.withResolvers<Error | undefined>();
  #asked = 0;

  constructor(name: string, kind: SourceKind, { shard, sink }: { readonly shard: ShardFixture; readonly sink: SourceSink }) {
    this.name = name;
    this.#kind = kind;
    this.#shard = shard;
    this.#sink = sink;
    this.closed = this.#settled.promise;
  }

  get askedLeaves(): number {
    return this.#asked;
  }

  holdings(cids: readonly ShardCid[]): ReturnType<Source['holdings']> {
    const { sizeBytes } = this.#shard;
    return Promise.resolve(cids.map(() => (this.#kind === 'useless' ? { held: 'none', sizeBytes: 0 } : { held: 'all', sizeBytes })));
  }

  tree(): Promise<ShardTree | undefined> {
    return Promise.resolve(this.#shard.tree);
  }

  ask({ tree: { cid }, first, count }: LeafRun): void {
    this.#asked += count;
    if (this.#kind !== 'good') return;
    for (let leaf = first; leaf < first + count; leaf++) setImmediate(() => {
      this.#asked--;
      const bytes = this.#shard.bytes.subarray(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES);
      this.#sink.heard(this, bytes.length);
      this.#sink.leaf(this, { cid, leaf, bytes, release: () => undefined });
    });
  }

  cancel(): void {
    // What was asked is under way.
  }

  close(error?: CodedError): void {
    this.closedWith ??= error;
    this.isClosed = true;
    this.#settled.resolve(error);
  }
}
