import { cutFacts, fileSource, openGguf, type AddPlan, type Manifest } from '../store/index.ts';
import type { ModelDetails } from './local-store.ts';

/** What the verdict on a model needs to know of it. */
export type OutlinedModel = Pick<AddPlan, 'name' | 'sizeBytes' | 'files' | 'facts'>;

/** Of a model without its file, by the header of a piece that is here; undefined when none is. Throws GGUF_*, STORE_*. */
export async function outlineOfPieces(manifest: Manifest, { pieces }: Pick<ModelDetails, 'pieces'>, signal: AbortSignal): Promise<OutlinedModel | undefined> {
  const [path] = pieces.flatMap(({ paths }) => paths);
  if (path === undefined) return undefined;
  const source = await fileSource(path);
  try {
    const { metadata } = await openGguf(source, { signal });
    return { name: manifest.model_name, sizeBytes: manifest.total_size_bytes, files: [{ target: path, origin: path }], facts: cutFacts(manifest, metadata) };
  } finally {
    await source.close();
  }
}
