import { join } from 'node:path';
import { addModel, LEAF_BYTES, parseReference, planAdd, type AddedModelFiles, type AddModelOptions, type LocalStore, type ReadyPiece } from '../../src-main/store/index.ts';
import type { HubServer } from '../../src-main/store/hub/testing/hub-server.ts';

/** A `model add` under way in this process. */
export interface Adding {
  readonly done: Promise<AddedModelFiles>;
  /** The first piece of which this holds. */
  piece(accept: (piece: ReadyPiece) => boolean): Promise<ReadyPiece>;
}

export interface AddingOptions extends Partial<AddModelOptions> {
  readonly home: string;
  readonly hub: HubServer;
  readonly source: string;
  /** From when the headers were read on. */
  readonly hold?: HubServer['spoil'];
}

/** Adds a model as `model add` does, but does not wait long for a hub that holds back. */
export async function startAdding(store: LocalStore, { home, hub, source, hold, ...more }: AddingOptions): Promise<Adding> {
  const plan = await planAdd(parseReference(source, hub.url), { hubUrl: hub.url, folder: join(home, 'models') });
  if (hold !== undefined) hub.spoil = hold;
  const told: ReadyPiece[] = [];
  const waiting: (() => void)[] = [];
  const done = addModel(plan, {
    shelf: { add: ({ path, tree, origin }) => store.addModelFile(path, tree, origin) }, pieces: store, leases: store.catalog.leases, firstRetryMs: 1, stallMs: 500, maxFailures: 1_000,
    onPiece: (piece) => { told.push(piece); waiting.splice(0).forEach((wake) => wake()); }, ...more,
  });
  done.catch(() => undefined);
  const piece = async (accept: (one: ReadyPiece) => boolean): Promise<ReadyPiece> => {
    for (;;) {
      const found = told.find(accept);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { done, piece };
}

/** Nothing of the file comes from this leaf on. */
export const upTo = (leaf: number): HubServer['spoil'] => ({ range }) => {
  const [first = 0, last = 0] = (/^bytes=(\d+)-(\d+)$/.exec(range) ?? []).slice(1).map(Number);
  if (last < leaf * LEAF_BYTES) return undefined;
  return { kind: 'stall', afterBytes: Math.max(0, leaf * LEAF_BYTES - first) };
};
