import { expect, it } from 'vitest';
import type { LocalStore } from '../../store/index.ts';
import { layerMapSchema } from '../../../src-preload/bridge/index.ts';
import { layerHolders } from './layer-holders.ts';

it('tells no layers of a file that is gone', () => {
  const model = { id: 'gone', name: 'gone', kind: 'file', path: '/gone.gguf', cuts: [], cutFiles: [] } as const;
  // Of a model without cuts nothing is asked of the store.
  const map = layerHolders({ store: {} as LocalStore, model, layers: 0, self: { peerId: 'me', offers: [] }, members: [] });
  expect(layerMapSchema.parse(map)).toEqual({ layers: 0, holders: [{ peerId: 'me', isHere: true, held: [], loaded: [] }] });
});
