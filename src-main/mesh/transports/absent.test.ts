import { afterEach, expect, it } from 'vitest';
import { addressOf, TestNodes } from '../testing/nodes.ts';

// The package's native part is looked for here, and only here, when this is set before its first use in the process.
process.env['NAPI_RS_NATIVE_LIBRARY_PATH'] = '/nowhere/quic.node';

const nodes = new TestNodes();
afterEach(() => nodes.stop());

const QUIC = '/ip4/127.0.0.1/udp/0/quic-v1';

it('says so when QUIC is asked for and this platform has none, and goes on without', async () => {
  await expect(nodes.create({ listen: [QUIC] })).rejects.toMatchObject({ code: 'MESH_TRANSPORT_UNAVAILABLE', meta: { transport: 'quic' } });
  const [near, far] = [await nodes.start({ listen: [] }), await nodes.start()];
  const dialling = near.dial(`/ip4/127.0.0.1/udp/1/quic-v1/p2p/${far.peerId}`);
  await expect(dialling).rejects.toMatchObject({ code: 'MESH_TRANSPORT_UNAVAILABLE', next: expect.stringContaining('/tcp/') });
  expect(await near.dial(addressOf(far))).toBe(far.peerId);
});
