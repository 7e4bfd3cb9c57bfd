import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../base/index.ts';
import { STUN_RATE } from '../options.ts';
import { answer, MAX_REQUEST_BYTES, readRequest } from './message.ts';
import { StunServer } from './stun-server.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
// RFC 5769, 2.1: a request with SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME, MESSAGE-INTEGRITY and FINGERPRINT.
const SAMPLE = hex(`00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74 00240004 6e0001ff 80290008 932ff9b1
  51263b36 00060009 6576746a 3a683676 59202020 00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2 80280004 e57a3bcf`);
const TRANSACTION = hex('b7e7a701bc34d686fa87dfae');
const BARE = Buffer.concat([hex('00010000 2112a442'), TRANSACTION]);

const stops: (() => unknown)[] = [];
afterEach(async () => { for (const stop of stops.splice(0)) await stop(); });

test('an address is told as RFC 5769 has it, for both families', () => {
  const request = readRequest(BARE);
  expect(request).toEqual({ transaction: TRANSACTION, unknown: [] });
  // RFC 5769, 2.2 and 2.3: the attribute of 192.0.2.1:32853 and of 2001:db8:1234:5678:11:2233:4455:6677, same port.
  expect(answer(request!, { address: '192.0.2.1', port: 32_853 })).toEqual(Buffer.concat([hex('0101000c 2112a442'), TRANSACTION, hex('00200008 0001a147 e112a643')]));
  expect(answer(request!, { address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32_853 }))
    .toEqual(Buffer.concat([hex('01010018 2112a442'), TRANSACTION, hex('00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9')]));
});

test('an attribute that must be understood and is not is named in a refusal; others are passed over', () => {
  const request = readRequest(SAMPLE);
  expect(request).toEqual({ transaction: TRANSACTION, unknown: [0x0024] });
  expect(answer(request!, { address: '192.0.2.1', port: 1 })).toEqual(Buffer.concat([hex('01110010 2112a442'), TRANSACTION, hex('00090004 00000414 000a0002 00240000')]));
});

test('whatever is no binding request is not answered, however it is cut or changed', () => {
  for (let length = 0; length < SAMPLE.length; length++) expect(readRequest(SAMPLE.subarray(0, length))).toBeUndefined();
  const wrong = [[0, 0x41], [1, 0x11], [3, 0x5c], [4, 0x20], [23, 0xff]] as const;
  for (const [at, byte] of wrong) {
    const changed = Buffer.from(SAMPLE);
    changed[at] = byte;
    expect(readRequest(changed)).toBeUndefined();
  }
  expect(readRequest(Buffer.concat([BARE, Buffer.alloc(MAX_REQUEST_BYTES)]))).toBeUndefined();
});

test('the server tells where a question came from, and nobody often', async () => {
  const refused: string[] = [];
  const frozen = { ...systemClock, monotonicMs: () => 0 };
  const server = new StunServer({ at: { address: '127.0.0.1', port: 0 }, clock: frozen, mayAsk: () => true, refused: (code) => void refused.push(code) });
  await server.start();
  stops.push(() => server.stop());
  const socket = createSocket('udp4');
  stops.push(() => socket.close());
  const { port } = server.address!;
  const ask = async (bytes: Buffer): Promise<void> => new Promise((resolve) => { socket.send(bytes, port, '127.0.0.1', () => resolve()); });
  await ask(BARE);
  const [told] = await once(socket, 'message') as [Buffer];
  expect(told).toEqual(answer(readRequest(BARE)!, { address: '127.0.0.1', port: socket.address().port }));
  let answers = 1;
  socket.on('message', () => { answers++; });
  await ask(Buffer.from('no question'));
  for (let i = 0; i < STUN_RATE.burst; i++) {
    const settled = i < STUN_RATE.burst - 1 ? once(socket, 'message') : Promise.resolve();
    await ask(BARE);
    await settled;
  }
  await expect.poll(() => refused).toEqual(['STUN_BAD_REQUEST', 'STUN_FLOODED']);
  expect(answers).toBe(STUN_RATE.burst);
});

test('a taken port is said so', async () => {
  const first = new StunServer({ at: { address: '127.0.0.1', port: 0 }, clock: systemClock, mayAsk: () => true, refused: () => undefined });
  await first.start();
  stops.push(() => first.stop());
  const second = new StunServer({ at: first.address!, clock: systemClock, mayAsk: () => true, refused: () => undefined });
  await expect(second.start()).rejects.toMatchObject({ code: 'MESH_PORT_IN_USE' });
  await second.stop();
});
