import { toCoded, type PeerId } from '../../base/index.ts';
import { exchangeErrors, type BlockStream } from '../exchange/index.ts';
import type { BlockReader } from './block-reader.ts';
import { encodeBlock, encodePresences, type BitswapMessage, type Presence, type Want } from './message.ts';
import { MAX_WANTS, PRESENCES_PER_MESSAGE } from './options.ts';
import type { Cap } from './ports.ts';

/** A block goes in one message; it counts for the caps in pieces, so that others take turns. */
const CAP_PIECE_BYTES = 256 * 1024;

export interface ServedPeerInit {
  readonly peer: PeerId;
  readonly reader: BlockReader;
  readonly open: (peer: PeerId) => Promise<BlockStream>;
  readonly caps: readonly Cap[];
  readonly onTrouble: (error: Error) => void;
}

/**
 * What one peer wants of us. It is answered in the order of asking, one block in memory at a time, over a stream that is
 * open while there is something to answer. A block that comes here later is not sent: whoever wants it asks again.
 */
export class ServedPeer {
  readonly #init: ServedPeerInit;
  /** Not answered yet, by CID. */
  readonly #wants = new Map<string, Want>();
  #presences: Presence[] = [];
  #stream: BlockStream | undefined;
  #answering: Promise<void> | undefined;
  #isGone = false;

  constructor(init: ServedPeerInit) {
    this.#init = init;
  }

  /** Settles when everything is answered or given up. */
  get idle(): Promise<void> {
    return this.#answering ?? Promise.resolve();
  }

  take({ wants, isFull }: Pick<BitswapMessage, 'wants' | 'isFull'>): void {
    if (isFull) this.#wants.clear();
    for (const want of wants) this.#note(want);
    this.#start();
  }

  /** The peer has gone, or is to go: what it wants is forgotten. */
  stop(error: Error): void {
    this.#isGone = true;
    this.#stream?.abort(error);
  }

  #note(want: Want): void {
    const key = want.cid.toString();
    const earlier = this.#wants.get(key);
    if (want.isCancel) this.#wants.delete(key);
    else if (earlier !== undefined || this.#wants.size < MAX_WANTS) this.#wants.set(key, earlier?.kind === 'block' ? earlier : want);
    else if (want.wantsRefusal && this.#presences.length < MAX_WANTS) this.#presences.push({ cid: want.cid, isHere: false });
  }

  #start(): void {
    if (this.#isGone || (this.#wants.size === 0 && this.#presences.length === 0)) return;
    // What is asked while the stream is being closed begins another turn.
    this.#answering ??= this.#answer().finally(() => {
      this.#answering = undefined;
      this.#start();
    });
  }

  async #answer(): Promise<void> {
    try {
      for (let want = this.#next(); want !== undefined; want = this.#next()) {
        if (want.kind === 'have') await this.#tell(want, await this.#init.reader.has(want.cid));
        else await this.#give(want);
      }
      await this.#sendPresences();
    } catch (error) {
      // The stream or the peer is gone; what it still wants it will say again.
      this.#wants.clear();
      this.#presences = [];
      this.#init.onTrouble(toCoded(error));
    } finally {
      await this.#init.reader.close();
      void this.#stream?.close().catch(() => undefined);
      this.#stream = undefined;
    }
  }

  #next(): Want | undefined {
    const [first] = this.#wants;
    if (first === undefined || this.#isGone) return undefined;
    this.#wants.delete(first[0]);
    return first[1];
  }

  async #tell({ cid, wantsRefusal }: Want, isHere: boolean): Promise<void> {
    if (isHere || wantsRefusal) this.#presences.push({ cid, isHere });
    if (this.#presences.length >= PRESENCES_PER_MESSAGE) await this.#sendPresences();
  }

  async #give(want: Want): Promise<void> {
    const bytes = await this.#init.reader.read(want.cid);
    if (bytes === undefined) return this.#tell(want, false);
    for (const cap of this.#init.caps) for (let at = 0; at < bytes.length; at += CAP_PIECE_BYTES) await cap.take(Math.min(CAP_PIECE_BYTES, bytes.length - at));
    await this.#send(encodeBlock(want.cid, bytes));
  }

  async #sendPresences(): Promise<void> {
    for (const all = this.#presences.splice(0); all.length > 0;) await this.#send([encodePresences(all.splice(0, PRESENCES_PER_MESSAGE))]);
  }

  async #send(parts: readonly Uint8Array[]): Promise<void> {
    this.#stream ??= await this.#init.open(this.#init.peer);
    if (this.#isGone) throw exchangeErrors.cancelled({});
    await this.#stream.send(...parts);
  }
}
