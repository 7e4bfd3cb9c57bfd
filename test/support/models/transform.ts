import { writeAtomically } from '../../../src-main/base/index.ts';
import { fileSource, ggmlTypeByName, layoutGguf, openGguf } from '../../../src-main/store/index.ts';
import { halfBits } from './random.ts';

export type TransformType = 'F16' | 'Q8_0' | 'Q4_0';

/** What becomes of a model's matrices. Norms and biases (F32) stay as they are. */
export type Transform =
  | { readonly kind: 'requantise'; readonly type: TransformType }
  /** Each weight, or where weights share a scale each block's scale, times 1 + relative x a normal random number. */
  | { readonly kind: 'perturb'; readonly relative: number; readonly random: () => number };

/** Writes a model again with other matrices; of F16, Q8_0 and Q4_0. The file's metadata stays that of the original. */
export async function transformModel({ from, to, transform }: { readonly from: string; readonly to: string; readonly transform: Transform }): Promise<void> {
  const source = await fileSource(from);
  try {
    const gguf = await openGguf(source);
    const read = (tensor: (typeof gguf.tensors)[number]): Promise<Buffer> => source.read(gguf.dataOffset + tensor.offset, tensor.sizeBytes).then(Buffer.from);
    const changes = (tensor: (typeof gguf.tensors)[number]): boolean => tensor.type.name in CODECS;
    const specs = gguf.tensors.map((tensor) => ({ name: tensor.name, dims: tensor.dims, type: transform.kind === 'requantise' && changes(tensor) ? ggmlTypeByName(transform.type) ?? tensor.type : tensor.type }));
    const layout = layoutGguf(gguf.metadata, specs);
    await writeAtomically(to, async (file) => {
      await file.appendFile(layout.header);
      for (const [i, tensor] of gguf.tensors.entries()) {
        const bytes = changes(tensor) ? transformed(await read(tensor), tensor.type.name as TransformType, transform) : await read(tensor);
        await file.appendFile(bytes);
        const placed = layout.tensors[i];
        await file.appendFile(Buffer.alloc((layout.alignment - ((placed?.sizeBytes ?? 0) % layout.alignment)) % layout.alignment));
      }
    });
  } finally {
    await source.close();
  }
}

function transformed(bytes: Buffer, type: TransformType, transform: Transform): Buffer {
  if (transform.kind === 'requantise') return CODECS[transform.type].encode(CODECS[type].decode(bytes));
  const copy = Buffer.from(bytes);
  // Each of these types begins a block with an F16: the weight itself, or the scale.
  for (let at = 0; at < copy.length; at += CODECS[type].blockBytes) copy.writeUInt16LE(halfBits(halfValue(copy.readUInt16LE(at)) * (1 + transform.relative * normal(transform.random))), at);
  return copy;
}

const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

function halfValue(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const magnitude = exponent === 0 ? (bits & 0x3ff) * 2 ** -24 : (1024 + (bits & 0x3ff)) * 2 ** (exponent - 25);
  return (bits & 0x8000) === 0 ? magnitude : -magnitude;
}

interface Codec {
  readonly blockBytes: number;
  decode(bytes: Buffer): Float32Array;
  encode(values: Float32Array): Buffer;
}

const BLOCK = 32;

/** Block layouts and rounding as ggml has them. */
const CODECS: Readonly<Record<TransformType, Codec>> = {
  F16: {
    blockBytes: 2,
    decode: (bytes) => Float32Array.from({ length: bytes.length / 2 }, (_, i) => halfValue(bytes.readUInt16LE(2 * i))),
    encode: (values) => blocks(values, { values: 1, bytes: 2 }, (block, out) => out.writeUInt16LE(halfBits(block[0] ?? 0))),
  },
  Q8_0: {
    blockBytes: 34,
    decode: (bytes) => unblock(bytes, 34, (block, i) => halfValue(block.readUInt16LE(0)) * block.readInt8(2 + i)),
    encode: (values) => blocks(values, { values: BLOCK, bytes: 34 }, (block, out) => {
      const scale = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
      out.writeUInt16LE(halfBits(scale));
      block.forEach((value, i) => out.writeInt8(scale === 0 ? 0 : Math.round(value / scale), 2 + i));
    }),
  },
  Q4_0: {
    blockBytes: 18,
    decode: (bytes) => unblock(bytes, 18, (block, i) => halfValue(block.readUInt16LE(0)) * (((block.readUInt8(2 + (i % 16)) >> (i < 16 ? 0 : 4)) & 15) - 8)),
    encode: (values) => blocks(values, { values: BLOCK, bytes: 18 }, (block, out) => {
      const scale = block.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0) / -8;
      const digit = (value: number | undefined): number => (scale === 0 ? 8 : Math.min(15, Math.floor((value ?? 0) / scale + 8.5)));
      out.writeUInt16LE(halfBits(scale));
      for (let i = 0; i < 16; i++) out.writeUInt8(digit(block[i]) | (digit(block[i + 16]) << 4), 2 + i);
    }),
  },
};

function blocks(values: Float32Array, size: { values: number; bytes: number }, write: (block: Float32Array, out: Buffer) => void): Buffer {
  const bytes = Buffer.alloc((values.length / size.values) * size.bytes);
  for (let i = 0; i * size.values < values.length; i++) write(values.subarray(i * size.values, (i + 1) * size.values), bytes.subarray(i * size.bytes, (i + 1) * size.bytes));
  return bytes;
}

const unblock = (bytes: Buffer, blockBytes: number, value: (block: Buffer, i: number) => number): Float32Array =>
  Float32Array.from({ length: (bytes.length / blockBytes) * BLOCK }, (_, i) => value(bytes.subarray(Math.floor(i / BLOCK) * blockBytes, Math.floor(i / BLOCK) * blockBytes + blockBytes), i % BLOCK));
