import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { LocalStore } from '../../store/index.ts';
import { BUILT_IN_MODEL } from '../model-file.ts';
import { appPaths } from '../paths.ts';
import { heldRow } from './held-list.ts';
import { FactsReader } from './model-facts.ts';

const path = join(appPaths().models, `${BUILT_IN_MODEL}.gguf`);
const GB = 1e9;

async function usability(freeBytes: number, peersFreeBytes: readonly number[], isOverMesh: boolean): Promise<string> {
  const peers = peersFreeBytes.map((free) => ({ freeBytes: free, isNamed: false }));
  const row = await heldRow({ id: BUILT_IN_MODEL, name: BUILT_IN_MODEL, kind: 'built-in', path, cuts: [], cutFiles: [] }, {
    // Of a model that lies in its file nothing is asked of the store.
    store: {} as LocalStore, facts: new FactsReader({ hubUrl: 'https://hub.example', home: '/' }), contextTokens: 1024, servedPath: '/another.gguf', signal: new AbortController().signal, isOverMesh,
    memory: { freeBytes, peers, absent: { silent: 0, unwilling: 0 }, isAsked: true },
  });
  return row.usability;
}

it('a model can be used where it fits, or over members that have room for it if the owner lets chats go there', async () => {
  expect(await usability(GB, [], false)).toBe('can');
  expect(await usability(1e6, [GB], true)).toBe('can');
  expect(await usability(1e6, [GB], false)).toBe('too-large');
  expect(await usability(1e6, [1e6], true)).toBe('too-large');
});
