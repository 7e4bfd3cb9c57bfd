import { EventEmitter, once } from 'node:events';
import type { PeerId } from '../../src-main/base/index.ts';
import type { FrameStream, Mesh } from '../../src-main/mesh/index.ts';
import { BITSWAP_LIMITS, BITSWAP_PROTOCOL, decodeBitswapMessage, encodeBitswapWants, type BitswapMessage, type BitswapWant } from '../../src-main/store/index.ts';

/** A peer that speaks bitswap by hand: says what a test has it say, and keeps what it is told. */
export class BitswapSpeaker {
  readonly said: BitswapMessage[] = [];
  readonly #mesh: Mesh;
  readonly #news = new EventEmitter();

  private constructor(mesh: Mesh) {
    this.#mesh = mesh;
    this.#news.setMaxListeners(0);
  }

  /** `answer` gets each message that comes. */
  static async on(mesh: Mesh, answer: (message: BitswapMessage, peer: PeerId) => Promise<void> | void = () => undefined): Promise<BitswapSpeaker> {
    const speaker = new BitswapSpeaker(mesh);
    await mesh.handle(BITSWAP_PROTOCOL, BITSWAP_LIMITS, (stream) => void speaker.#read(stream, answer).catch(() => undefined));
    return speaker;
  }

  /** A stream of messages to a connected peer. */
  open(peer: PeerId): Promise<FrameStream> {
    return this.#mesh.open(peer, BITSWAP_PROTOCOL, { limits: { ...BITSWAP_LIMITS, maxFrameBytes: 2 * BITSWAP_LIMITS.maxFrameBytes } });
  }

  async want(peer: PeerId, wants: readonly BitswapWant[]): Promise<void> {
    const stream = await this.open(peer);
    await stream.send(encodeBitswapWants(wants));
    void stream.close();
  }

  async send(peer: PeerId, ...parts: readonly Uint8Array[]): Promise<void> {
    const stream = await this.open(peer);
    await stream.send(...parts);
    void stream.close();
  }

  /** Resolves when what was said so far is enough. */
  async until(isEnough: (said: readonly BitswapMessage[]) => boolean): Promise<void> {
    while (!isEnough(this.said)) await once(this.#news, 'message');
  }

  async #read(stream: FrameStream, answer: (message: BitswapMessage, peer: PeerId) => Promise<void> | void): Promise<void> {
    void stream.close();
    for await (const bytes of stream) {
      const message = decodeBitswapMessage(bytes, stream.peer);
      this.said.push(message);
      this.#news.emit('message');
      await answer(message, stream.peer);
    }
  }
}
