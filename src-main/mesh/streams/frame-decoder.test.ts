import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LengthPrefix } from '../types.ts';
import { encodeFrame } from './encode-frame.ts';
import { FrameDecoder } from './frame-decoder.ts';

function decode(chunks: readonly Uint8Array[], maxFrameBytes: number, prefix?: LengthPrefix) {
  const frames: Uint8Array[] = [];
  const tooLong: number[] = [];
  const decoder = new FrameDecoder(maxFrameBytes, { onFrame: (frame) => frames.push(frame) > 0, onTooLong: (size) => tooLong.push(size) }, { lengthPrefix: prefix });
  for (const chunk of chunks) decoder.push(chunk);
  return { frames: frames.map((frame) => Buffer.from(frame)), tooLong, pending: decoder.pending };
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let rest = bytes;
  for (let i = 0; rest.length > 0; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    chunks.push(rest.subarray(0, size));
    rest = rest.subarray(size);
  }
  return chunks;
}

test.each<LengthPrefix>(['u32', 'varint'])('frames come out as they went in, however the bytes are cut, with a length as %s', (prefix) => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 });
  fc.assert(fc.property(bodies, fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 9 }), (frames, sizes) => {
    const wire = Buffer.concat(frames.map((frame) => encodeFrame([frame], frame.length, prefix)));
    const result = decode(cut(wire, sizes), 300, prefix);
    expect(result.frames).toEqual(frames.map((frame) => Buffer.from(frame)));
    expect(result.pending).toBe(false);
  }));
});

test('a split frame larger than the first buffer is whole', () => {
  const body = Buffer.alloc(1_000_003, 'layer');
  const { frames } = decode(cut(encodeFrame([body], body.length), [65_536, 1, 200_000]), body.length);
  expect(frames).toHaveLength(1);
  expect(frames[0]?.equals(body)).toBe(true);
});

test('a length over the limit stops the decoder before any byte of the frame', () => {
  const long = Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 7]);
  expect(decode([long], 1024)).toEqual({ frames: [], tooLong: [0xffff_ffff], pending: true });
});

test('a varint says lengths in as many bytes as it takes, and no more than four are read', () => {
  const body = Buffer.alloc(300, 7);
  expect(encodeFrame([body], 300, 'varint').subarray(0, 3)).toEqual(Buffer.of(0xac, 0x02, 7));
  expect(decode([Buffer.of(0x81, 0x08)], 1024, 'varint')).toEqual({ frames: [], tooLong: [1025], pending: true });
  expect(decode([Buffer.of(0xff, 0xff, 0xff, 0xff, 0)], 1024, 'varint')).toEqual({ frames: [], tooLong: [2 ** 28], pending: true });
  expect(decode([Buffer.of(0x80)], 1024, 'varint').pending).toBe(true);
});

test('the middle of a prefix and of a body are pending', () => {
  expect(decode([Uint8Array.of(5)], 10).pending).toBe(true);
  expect(decode([Uint8Array.of(2, 0, 0, 0, 1)], 10).pending).toBe(true);
});

test('what was given back is used for the next frame, and only that', () => {
  const bodies = [1, 2, 3, 4].map((fill) => Buffer.alloc(200_000, fill));
  const buffers: ArrayBufferLike[] = [];
  const decoder = new FrameDecoder(300_000, {
    onFrame: (frame) => {
      expect(new Set(frame)).toEqual(new Set([buffers.length + 1]));
      buffers.push(frame.buffer);
      // The third is kept by whoever got it.
      if (buffers.length !== 3) decoder.recycle(frame);
      return true;
    },
    onTooLong: () => undefined,
  });
  for (const body of bodies) for (const chunk of cut(encodeFrame([body], body.length), [65_536])) decoder.push(chunk);
  expect(buffers[1]).toBe(buffers[0]);
  expect(buffers[2]).toBe(buffers[0]);
  expect(buffers[3]).not.toBe(buffers[2]);
  // Memory that is not the decoder's, or was given back before, is not taken.
  const foreign = new Uint8Array(200_000);
  decoder.recycle(foreign);
  for (const chunk of cut(encodeFrame([Buffer.alloc(200_000, 5)], 200_000), [65_536])) decoder.push(chunk);
  expect(buffers[4]).toBe(buffers[3]);
  expect(buffers).not.toContain(foreign.buffer);
});

test('frames stay what they were when the memory of chunks is used again', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 });
  fc.assert(fc.property(bodies, fc.integer({ min: 1, max: 700 }), (frames, size) => {
    const got: Uint8Array[] = [];
    const decoder = new FrameDecoder(300, { onFrame: (frame) => got.push(frame) > 0, onTooLong: () => undefined }, { keepsChunks: false });
    const memory = new Uint8Array(size);
    for (const chunk of cut(Buffer.concat(frames.map((frame) => encodeFrame([frame], frame.length))), [size])) {
      memory.set(chunk);
      decoder.push(memory.subarray(0, chunk.length));
      memory.fill(0xee);
    }
    expect(got.map((frame) => Buffer.from(frame))).toEqual(frames.map((frame) => Buffer.from(frame)));
  }));
});
