import { expect, test } from 'vitest';
import { asPeerId } from '../base/index.ts';
import { STUN_DEFAULT_PORT } from '../mesh/index.ts';
import { configSchema } from './config.ts';
import { natOptions } from './nat-options.ts';

const RELAY = '/dns4/relay.example/tcp/4001/p2p/12D3KooWQ138LwnVriSzwkdLwZ6uTkdKNxNMtnfgF2EbnBXxaL8R';
const configOf = (more: object): ReturnType<typeof configSchema.parse> => configSchema.parse({ home: '/nowhere', ...more });

test('unconfigured, nobody is asked and nobody served', () => {
  expect(natOptions(configOf({}))).toEqual({ nat: { relays: [], portMapping: 'off' } });
});

test('a relay also tells addresses, where it listens, and limits all but the members that its owner named', () => {
  const { nat, relayServer } = natOptions(configOf({ relay: true, listen: ['/ip4/0.0.0.0/tcp/4001'], peers: [RELAY] }));
  expect(nat).toEqual({ relays: [], portMapping: 'off', stunServer: { address: '0.0.0.0', port: STUN_DEFAULT_PORT } });
  expect([RELAY.split('/').at(-1), 'somebody'].map((peer) => relayServer?.isMember?.(asPeerId(String(peer))))).toEqual([true, false]);
  expect(natOptions(configOf({ relay: true, stunPort: 0 })).nat).toEqual({ relays: [], portMapping: 'off' });
});

test('relays, STUN servers and the router are asked that are named', () => {
  expect(natOptions(configOf({ relays: [RELAY], stun: ['stun:stun.example:3478'], portMapping: 'upnp' })))
    .toEqual({ nat: { relays: [RELAY], portMapping: 'upnp' }, iceServers: ['stun:stun.example:3478'] });
  for (const wrong of [{ relays: ['/ip4/1.2.3.4/tcp/1'] }, { stun: ['stun.example'] }, { portMapping: 'yes' }]) expect(configSchema.safeParse({ home: '/x', ...wrong }).success).toBe(false);
});
