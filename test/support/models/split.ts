import { writeAtomically } from '../../../src-main/base/index.ts';
import { fileSource, layoutGguf, openGguf, type GgufMetadata, type PlacedTensor } from '../../../src-main/store/index.ts';

export interface SplitOptions {
  /** Path of the parts without `-00001-of-00003.gguf`. */
  readonly stem: string;
  readonly parts: number;
}

/** Writes a model in several files, as llama.cpp's gguf-split lays them out: all metadata in the first, tensors in order. */
export async function splitModel(from: string, { stem, parts }: SplitOptions): Promise<string[]> {
  const source = await fileSource(from);
  try {
    const gguf = await openGguf(source);
    const perPart = Math.ceil(gguf.tensors.length / parts);
    const number = (value: number): string => String(value).padStart(5, '0');
    const paths: string[] = [];
    for (let part = 0; part < parts; part++) {
      const tensors = gguf.tensors.slice(part * perPart, (part + 1) * perPart);
      const metadata: GgufMetadata = new Map([
        ...(part === 0 ? gguf.metadata : []), ['split.no', { type: 'uint16', value: part }], ['split.count', { type: 'uint16', value: parts }],
        ['split.tensors.count', { type: 'int32', value: gguf.tensors.length }],
      ]);
      const path = `${stem}-${number(part + 1)}-of-${number(parts)}.gguf`;
      await writePart(path, { metadata, tensors, read: (tensor) => source.read(gguf.dataOffset + tensor.offset, tensor.sizeBytes) });
      paths.push(path);
    }
    return paths;
  } finally {
    await source.close();
  }
}

interface Part {
  readonly metadata: GgufMetadata;
  readonly tensors: readonly PlacedTensor[];
  readonly read: (tensor: PlacedTensor) => Promise<Uint8Array>;
}

async function writePart(path: string, { metadata, tensors, read }: Part): Promise<void> {
  const layout = layoutGguf(metadata, tensors);
  await writeAtomically(path, async (file) => {
    await file.appendFile(layout.header);
    for (const tensor of tensors) {
      await file.appendFile(await read(tensor));
      await file.appendFile(Buffer.alloc((layout.alignment - (tensor.sizeBytes % layout.alignment)) % layout.alignment));
    }
  });
}
