import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fileSource, openGguf } from '../../../src-main/store/index.ts';
import { generateModel, seeded } from './index.ts';
import { transformModel, type Transform } from './transform.ts';

let folder = '';
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-transform-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

async function transformed(type: 'F16' | 'Q8_0', transform: Transform): Promise<{ before: Buffer; after: Buffer }> {
  const [from, to] = [join(folder, 'from.gguf'), join(folder, 'to.gguf')];
  await generateModel({ path: from, architecture: 'llama', type, layers: 1, seed: 4 });
  await transformModel({ from, to, transform });
  return { before: await readFile(from), after: await readFile(to) };
}

it('F16 again gives the same bytes', async () => {
  const { before, after } = await transformed('F16', { kind: 'requantise', type: 'F16' });
  expect(after.equals(before)).toBe(true);
});

it('a perturbation moves each weight by its share', async () => {
  const { before, after } = await transformed('F16', { kind: 'perturb', relative: 0.01, random: seeded(1) });
  const source = await fileSource(join(folder, 'from.gguf'));
  const { tensors, dataOffset } = await openGguf(source);
  await source.close();
  const { offset, sizeBytes } = tensors.find((tensor) => tensor.name === 'blk.0.ffn_up.weight')!;
  const part = (bytes: Buffer): number[] => Array.from({ length: sizeBytes / 2 }, (_, i) => bytes.readUInt16LE(dataOffset + offset + 2 * i));
  const [old, now] = [part(before), part(after)];
  const moved = now.filter((bits, i) => bits !== old[i]).length / now.length;
  expect(moved).toBeGreaterThan(0.8);
  // One in 2^10 is the last bit of an F16: 1 % is about ten of them.
  const mean = now.reduce((sum, bits, i) => sum + Math.abs(bits - (old[i] ?? 0)), 0) / now.length;
  expect(mean).toBeGreaterThan(8);
  expect(mean).toBeLessThan(16);
});
