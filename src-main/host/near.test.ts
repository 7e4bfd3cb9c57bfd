import { expect, it } from 'vitest';
import { isNear } from './near.ts';

it.each(['127.0.0.1', '127.9.9.9', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.7', '169.254.3.4', '::1', 'fd00::7', 'fe80::1%eth0', '::ffff:10.0.0.1'])('%s is near', (host) => {
  expect(isNear(host)).toBe(true);
});

it.each(['8.8.8.8', '172.32.0.1', '172.15.0.1', '192.169.0.1', '11.0.0.1', '2001:db8::1', '::ffff:8.8.8.8', 'example.org', ''])('%s is not', (host) => {
  expect(isNear(host)).toBe(false);
});
