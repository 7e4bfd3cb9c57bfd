import { halfBits } from './random.ts';

export type WeightType = 'F32' | 'F16' | 'Q8_0' | 'Q4_0' | 'Q4_K' | 'Q6_K';

type Random = () => number;
/** Fills one block whose values, dequantised, have mean 0 and the given standard deviation. */
type WriteBlock = (block: Buffer, std: number, random: Random) => void;

const int = (random: Random, low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
const uniform = (random: Random, std: number): number => (random() * 2 - 1) * std * Math.sqrt(3);
const nibbles = (random: Random): number => int(random, 1, 15) | (int(random, 1, 15) << 4);
// Scales differ from block to block, as they do in real models, so that a wrong block is noticed.
const vary = (random: Random): number => 0.75 + random() * 0.5;

function writeQ8(block: Buffer, std: number, random: Random): void {
  block.writeUInt16LE(halfBits((std / 73.3) * vary(random)), 0);
  for (let i = 0; i < 32; i++) block.writeInt8(int(random, -127, 127), 2 + i);
}

function writeQ4(block: Buffer, std: number, random: Random): void {
  block.writeUInt16LE(halfBits((std / 4.32) * vary(random)), 0);
  for (let i = 0; i < 16; i++) block[2 + i] = nibbles(random);
}

// Value = d * scale * q - dmin * min with q in 1..15: min = scale and dmin = 8 d make the mean zero.
function writeQ4K(block: Buffer, std: number, random: Random): void {
  const d = std / (4.32 * 48);
  block.writeUInt16LE(halfBits(d), 0);
  block.writeUInt16LE(halfBits(d * 8), 2);
  const scales = Array.from({ length: 8 }, () => int(random, 33, 63));
  for (let j = 0; j < 4; j++) {
    const low = scales[j] ?? 0;
    const high = scales[j + 4] ?? 0;
    block[4 + j] = low | ((high >> 4) << 6);
    block[8 + j] = low | ((high >> 4) << 6);
    block[12 + j] = (high & 15) | ((high & 15) << 4);
  }
  for (let i = 0; i < 128; i++) block[16 + i] = nibbles(random);
}

function writeQ6K(block: Buffer, std: number, random: Random): void {
  for (let i = 0; i < 192; i++) block[i] = int(random, 0, 255);
  for (let i = 0; i < 16; i++) block.writeInt8(int(random, 4, 12) * (random() < 0.5 ? -1 : 1), 192 + i);
  block.writeUInt16LE(halfBits(std / 155), 208);
}

const writers: Readonly<Record<WeightType, WriteBlock>> = {
  F32: (block, std, random) => block.writeFloatLE(uniform(random, std), 0),
  F16: (block, std, random) => block.writeUInt16LE(halfBits(uniform(random, std)), 0),
  Q8_0: writeQ8, Q4_0: writeQ4, Q4_K: writeQ4K, Q6_K: writeQ6K,
};

export interface BlockRequest {
  readonly type: WeightType;
  readonly blockBytes: number;
  readonly std: number;
  readonly mean?: number;
}

/** `count` random blocks. A mean is honoured for F32 only (norm weights around 1). */
export function randomBlocks(request: BlockRequest, count: number, random: Random): Buffer {
  const bytes = Buffer.allocUnsafe(count * request.blockBytes);
  const write = writers[request.type];
  for (let i = 0; i < count; i++) write(bytes.subarray(i * request.blockBytes, (i + 1) * request.blockBytes), request.std, random);
  if (request.mean !== undefined) for (let i = 0; i < count; i++) bytes.writeFloatLE(bytes.readFloatLE(i * 4) + request.mean, i * 4);
  return bytes;
}
