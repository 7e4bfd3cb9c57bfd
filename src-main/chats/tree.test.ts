import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ManualClock } from '../base/index.ts';
import { ConversationTable } from './conversation-table.ts';
import { Database } from './database.ts';
import { MessageTree } from './message-tree.ts';

interface Node { readonly id: string; readonly parent: string | null }

function open() {
  const db = new Database(':memory:');
  const conversations = new ConversationTable(db, new ManualClock(1));
  const tree = new MessageTree(db);
  const [one, other] = [conversations.create('one', false), conversations.create('other', false)];
  const add = (conversationId: string, parentId: string | null) => tree.add({ conversationId, parentId, role: 'user', content: 'x', state: 'done', createdAt: 1 });
  return { db, tree, one, other, add };
}

/** The same rules on plain maps: the last one added or chosen at a fork leads on. */
class Model {
  readonly nodes: Node[] = [];
  readonly #chosen = new Map<string | null, string>();

  choose(id: string): void {
    for (let at: string | null = id; at !== null;) {
      const parent: string | null = this.nodes.find((node) => node.id === at)?.parent ?? null;
      this.#chosen.set(parent, at);
      at = parent;
    }
  }

  path(): string[] {
    const path: string[] = [];
    for (let at = this.#chosen.get(null); at !== undefined; at = this.#chosen.get(at)) path.push(at);
    return path;
  }
}

it('keeps the chosen branch at every fork, as a tree of maps does', () => {
  const step = fc.record({ isNew: fc.boolean(), at: fc.nat(30) });
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const { db, tree, one, other, add } = open();
    const model = new Model();
    const untouched = add(other, null);
    for (const { isNew, at } of steps) {
      const place = at % (model.nodes.length + 1);
      const target = model.nodes[place];
      if (isNew || target === undefined) {
        const parent = target?.id ?? null;
        const id = add(one, parent);
        model.nodes.push({ id, parent });
        model.choose(id);
      } else {
        model.choose(target.id);
        expect(tree.choose(one, target.id)).toBe(model.path().indexOf(target.id));
      }
      expect(tree.path(one, 0, 100).map(({ id }) => id)).toEqual(model.path());
      expect(tree.pathLength(one)).toBe(model.path().length);
    }
    for (const { id, parent } of model.nodes) expect(tree.variants(one, parent)).toContain(id);
    expect(tree.path(other, 0, 10).map(({ id }) => id)).toEqual([untouched]);
    db.close();
  }), { numRuns: 200 });
});

it('gives any part of a branch of 10,000 messages', () => {
  const { db, tree, one, add } = open();
  const ids: string[] = [];
  db.transaction(() => { for (let index = 0; index < 10_000; index += 1) ids.push(add(one, ids.at(-1) ?? null)); });
  expect(tree.pathLength(one)).toBe(10_000);
  expect(tree.path(one, 4_990, 5_050).map(({ id }) => id)).toEqual(ids.slice(4_990, 5_050));
  const variant = add(one, ids[4_999] ?? null);
  expect(tree.path(one, 4_998, 5_050).map(({ id }) => id)).toEqual([ids[4_998], ids[4_999], variant]);
  tree.choose(one, ids[9_999] ?? '');
  expect(tree.leaf(one)?.id).toBe(ids[9_999]);
});

it('refuses a 65th variant, and messages of another conversation', () => {
  const { tree, one, other, add } = open();
  for (let index = 0; index < 64; index += 1) add(one, null);
  expect(() => add(one, null)).toThrow(expect.objectContaining({ code: 'CHATS_FULL' }));
  const foreign = add(other, null);
  expect(() => tree.choose(one, foreign)).toThrow(expect.objectContaining({ code: 'CHATS_NOT_FOUND' }));
});
