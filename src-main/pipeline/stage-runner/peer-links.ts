import type { PeerId } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { Connect } from '../ports.ts';
import type { FrameStream } from '../../mesh/index.ts';
import type { StageLink } from '../wire/link.ts';

interface Shared {
  readonly link: Promise<StageLink>;
  opened: StageLink | undefined;
  users: number;
}

/** Links that this node dialled to next stages, one per peer, shared by sessions, closed after the last. */
export class PeerLinks {
  readonly #connect: Connect;
  readonly #wrap: (stream: FrameStream) => StageLink;
  readonly #shared = new Map<PeerId, Shared>();
  readonly #abort = new AbortController();

  constructor(connect: Connect, wrap: (stream: FrameStream) => StageLink) {
    this.#connect = connect;
    this.#wrap = wrap;
  }

  /** @throws what `connect` throws */
  async acquire(peer: PeerId, addresses: readonly string[]): Promise<StageLink> {
    const shared = this.#shared.get(peer) ?? this.#dial(peer, addresses);
    shared.users++;
    try {
      return await shared.link;
    } catch (error) {
      if (this.#shared.get(peer) === shared) this.#shared.delete(peer);
      throw error;
    }
  }

  release(link: StageLink): void {
    const shared = this.#shared.get(link.peer);
    if (shared?.opened !== link || --shared.users > 0) return;
    this.#shared.delete(link.peer);
    link.close();
  }

  /** Every link that stands. */
  open(): StageLink[] {
    return [...this.#shared.values()].flatMap(({ opened }) => opened ?? []);
  }

  /** To be called when a link ended: the next session dials anew. */
  forget(link: StageLink): void {
    if (this.#shared.get(link.peer)?.opened === link) this.#shared.delete(link.peer);
  }

  stop(): void {
    this.#abort.abort(pipelineErrors.closed({}));
    for (const { link } of this.#shared.values()) link.then((opened) => opened.close(), () => undefined);
    this.#shared.clear();
  }

  #dial(peer: PeerId, addresses: readonly string[]): Shared {
    const open = (stream: FrameStream): StageLink => (shared.opened = this.#wrap(stream));
    const link = this.#connect(peer, addresses, { signal: this.#abort.signal }).then(open);
    const shared: Shared = { link, opened: undefined, users: 0 };
    this.#shared.set(peer, shared);
    return shared;
  }
}
