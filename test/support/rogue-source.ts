import { randomBytes } from 'node:crypto';
import type { FrameStream } from '../../src-main/mesh/index.ts';
import { decodeBlockFrame, encodeBlockFrame, LEAF_BYTES, leafLength, ownHello, type BlockFrame } from '../../src-main/store/index.ts';
import type { ShardFixture } from './shard-files.ts';

export type Roguery = 'flipped bit' | 'another block' | 'too short' | 'too long' | 'endless' | 'silence' | 'wrong hashes' | 'garbage' | 'single bytes' | 'unasked block';

/** No roguery: one block comes only after something else has happened. */
export interface LateBlock {
  readonly leaf: number;
  readonly after: Promise<void>;
}

const PIECE = 256 * 1024;

/** Serves a shard over the real protocol, but for one thing. */
export async function serveRogue(stream: FrameStream, { tree, bytes, sizeBytes }: ShardFixture, roguery: Roguery | LateBlock): Promise<void> {
  const send = (frame: BlockFrame): Promise<void> => stream.send(...encodeBlockFrame(frame));
  const leafOf = (leaf: number): Buffer => Buffer.from(bytes.subarray(leaf * LEAF_BYTES, leaf * LEAF_BYTES + leafLength(sizeBytes, leaf)));
  const pieceBytes = roguery === 'single bytes' ? 1 : PIECE;
  const sendLeaf = async (request: number, leaf: number, data: Buffer): Promise<void> => {
    for (let offset = 0; offset < data.length; offset += pieceBytes) await send({ type: 'data', request, leaf, offset, bytes: data.subarray(offset, offset + pieceBytes) });
  };
  const give = async (request: number, leaf: number): Promise<void> => {
    const data = leafOf(leaf);
    if (typeof roguery === 'object') {
      if (leaf !== roguery.leaf) return sendLeaf(request, leaf, data);
      return void roguery.after.then(() => sendLeaf(request, leaf, data)).catch(() => undefined);
    }
    switch (roguery) {
      case 'flipped bit': data[data.length >> 1]! ^= 4; return sendLeaf(request, leaf, data);
      case 'another block': return sendLeaf(request, leaf, leafOf((leaf + 1) % 4));
      case 'too short': return sendLeaf(request, leaf, data.subarray(0, data.length - 10)).then(() => sendLeaf(request, leaf, data));
      case 'too long': await sendLeaf(request, leaf, data); return send({ type: 'data', request, leaf, offset: data.length - 20_000, bytes: data.subarray(0, 20_000) });
      case 'endless': for (;;) await sendLeaf(request, leaf, data);
      case 'garbage': return stream.send(randomBytes(500));
      case 'single bytes': return sendLeaf(request, leaf, data);
      case 'unasked block': return sendLeaf(request, leaf + 60, data);
      case 'silence': case 'wrong hashes': return;
    }
  };
  await send(ownHello('rogue'));
  for await (const raw of stream) {
    const frame = decodeBlockFrame(raw, 'test');
    if (frame.type === 'have') await send({ type: 'holdings', request: frame.request, holdings: frame.cids.map(() => ({ held: 'all', sizeBytes })) });
    if (frame.type === 'leaves') {
      const hashes = Buffer.from(tree.leafHashes);
      if (roguery === 'wrong hashes') hashes[5]! ^= 1;
      await send({ type: 'hashes', request: frame.request, sizeBytes, first: 0, hashes });
    }
    if (frame.type === 'get') for (let leaf = frame.first; leaf < frame.first + frame.count; leaf++) await give(frame.request, leaf);
  }
}
