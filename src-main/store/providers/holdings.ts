import type { Catalog } from '../catalog/index.ts';
import { isThere } from '../space/derived-reader.ts';
import type { AnnouncedModel } from './announcement.ts';

/** What this node can give, whole or in part. */
export interface Holdings {
  readonly models: readonly AnnouncedModel[];
  /** That belong to no manifest that is known here. */
  readonly shards: readonly string[];
  /** All of it, manifests first. */
  readonly cids: readonly string[];
}

/** Reads the catalogue for what there is to announce. Manifests are decoded once: their CID says what they hold. */
export class HoldingsReader {
  readonly #catalog: Pick<Catalog, 'shards' | 'derived' | 'models'>;
  #pieces = new Map<string, readonly string[]>();

  constructor(catalog: Pick<Catalog, 'shards' | 'derived' | 'models'>) {
    this.#catalog = catalog;
  }

  read(): Holdings {
    const held = new Set<string>([...this.#catalog.shards.held(), ...this.#derived()]);
    const known = this.#catalog.models.cids().map((manifest) => ({ manifest, pieces: this.#piecesOf(manifest) }));
    this.#pieces = new Map(known.map(({ manifest, pieces }) => [manifest, pieces]));
    const models = known.filter(({ pieces }) => pieces.some((cid) => held.has(cid)));
    const inModels = new Set(models.flatMap(({ pieces }) => pieces));
    return {
      models: models.map(({ manifest, pieces }) => ({ manifest, pieces: bitmap(pieces.map((cid) => held.has(cid))) })),
      shards: [...held].filter((cid) => !inModels.has(cid)).sort(),
      cids: [...models.map(({ manifest }) => manifest), ...[...held].sort()],
    };
  }

  /** Shards in the files of models. A file that was taken away is noticed here first: the catalogue is told by whoever reads it. */
  #derived(): readonly string[] {
    const { derived } = this.#catalog;
    const gone = new Set(derived.paths().filter((path) => !isThere(this.#catalog, path)).flatMap((path) => derived.ofFile(path)));
    return derived.cids().filter((cid) => !gone.has(cid));
  }

  #piecesOf(manifest: string): readonly string[] {
    const known = this.#pieces.get(manifest);
    if (known !== undefined) return known;
    const model = this.#catalog.models.get(manifest)?.manifest;
    return model === undefined ? [] : [...model.shards, model.vocabulary].map(({ cid }) => cid);
  }
}

function bitmap(bits: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, index) => { if (bit) bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7)); });
  return bytes;
}
