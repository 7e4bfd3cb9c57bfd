import { expect, it } from 'vitest';
import { silentLogger } from '../base/index.ts';
import { configSchema } from './config.ts';
import { SharedFiles } from './shared-files.ts';
import type { Sharing } from './share-store.ts';

const config = (uploadBytesPerSecond: number) => configSchema.parse({ home: '/nowhere', uploadBytesPerSecond });

it('files are given anew when the owner changes how, one after the other, and a failure costs only that', async () => {
  const seen: string[] = [];
  const files = new SharedFiles(async ({ uploadBytesPerSecond = 0 }) => {
    if (uploadBytesPerSecond === 2) throw new Error('no room');
    seen.push(`begin ${uploadBytesPerSecond}`);
    return { stop: async () => void seen.push(`end ${uploadBytesPerSecond}`) } as Sharing;
  }, silentLogger);
  await Promise.all([files.change(config(1)), files.change(config(2)), files.change(config(3))]);
  await files.stop();
  await files.change(config(4));
  expect(seen).toEqual(['begin 1', 'end 1', 'begin 3', 'end 3']);
});
