import { expect, test } from 'vitest';
import { configSchema } from '../config.ts';
import { PayHost } from './pay-host.ts';

const config = configSchema.parse({ home: '/nowhere' });
const hostOf = (settings: { config: typeof config }) => new PayHost(settings, () => { throw new Error('no node is needed'); });

test('pays as soon as the settings say so, and is paid as they said at its start', () => {
  const settings = { config };
  const host = hostOf(settings);
  expect([host.isWanted, host.gate]).toEqual([false, undefined]);
  settings.config = { ...config, payUpTo: '5' };
  expect(host.isWanted).toBe(true);
  expect(hostOf({ config: { ...config, payPrice: '1' } }).gate).toBeDefined();
  expect(hostOf({ config: { ...config, payPrice: '1', zone: 'private' } }).gate).toBeUndefined();
});

test('takes no rating while it is not connected', async () => {
  await expect(hostOf({ config }).rate({ session: `0x${'1'.repeat(64)}`, answer: 'a', rating: 'bad' })).rejects.toMatchObject({ code: 'PAY_NOT_CONNECTED' });
});
