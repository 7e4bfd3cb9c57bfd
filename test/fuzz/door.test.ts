import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { CodedError, isCoded, ManualClock, type PeerId } from '../../src-main/base/index.ts';
import { AnswerReader } from '../../src-main/mesh/direct/answer-reader.ts';
import { loadIdentity } from '../../src-main/mesh/identity/identity.ts';
import { recordBytes, serverNameOf } from '../../src-main/mesh/zone/client-hello.ts';
import { Doorkeeper } from '../../src-main/mesh/zone/doorkeeper.ts';
import { KNOCK_BYTES, knockName, knockOfName, newKnock } from '../../src-main/mesh/zone/knock.ts';
import { SeenKnocks } from '../../src-main/mesh/zone/seen-knocks.ts';
import { Collected } from '../../src-main/mesh/zone/take-bytes.ts';
import { newZoneKey } from '../../src-main/mesh/zone/zone-key.ts';
import { seeded } from '../support/models/index.ts';
import { casesOf } from './cases.ts';
import { mutate } from './mutate.ts';
import { FUZZ_PEER } from './scripted-stream.ts';

const RUNS = casesOf(4_000);
const NOW_MS = 1_800_000_000_000;
const key = newZoneKey();
const clock = new ManualClock(NOW_MS);
let door: Doorkeeper;
let listener: PeerId;
let knocks: Buffer[];

beforeAll(async () => {
  const privateKey = await loadIdentity({ kind: 'ephemeral' });
  listener = privateKey.publicKey.toString() as PeerId;
  door = new Doorkeeper({ privateKey, key, house: newZoneKey(), sponsor: undefined, isListed: () => true, isGuest: () => false, check: () => undefined, seen: new SeenKnocks({ path: undefined, clock, onTrouble: () => undefined }), clock });
  const knocker = await loadIdentity({ kind: 'ephemeral' });
  const sponsor = await loadIdentity({ kind: 'ephemeral' });
  knocks = await Promise.all([undefined, undefined, sponsor, sponsor].map(async (by) => Buffer.from((await newKnock({ privateKey: knocker, key, listener, sponsor: by }, NOW_MS)).bytes)));
});

test(`${RUNS} damaged knocks: nothing is sent to who knocks so, and what is right is answered once`, async () => {
  const random = seeded(61);
  const codes = new Map<string, number>();
  let sent = 0;
  for (let run = 0; run < RUNS; run++) {
    const bytes = random() < 0.01 ? knocks[run % knocks.length] ?? Buffer.alloc(0) : mutate(knocks[run % knocks.length] ?? Buffer.alloc(0), random);
    const code = await door.answer({ send: () => { sent++; }, take: () => Promise.reject(new TypeError('nobody answers')), takeKnock: (wanted) => Promise.resolve(bytes.subarray(0, wanted(bytes))) }).then(() => 'answered', (error: unknown) => (isCoded(error) ? error.code : String(error)));
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  expect([...codes.keys()].toSorted()).toEqual(['ZONE_KNOCK_REPLAYED', 'ZONE_STRANGER', 'answered']);
  expect([sent, codes.get('answered')]).toEqual([knocks.length, knocks.length]);
});

/** A ClientHello (RFC 8446, 4.1.2) with a name in it, and other extensions around. */
function helloOf(name: string): Buffer {
  const vector = (sizeBytes: number, ...parts: readonly Uint8Array[]): Buffer => {
    const body = Buffer.concat(parts);
    const head = Buffer.alloc(sizeBytes);
    head.writeUIntBE(body.length, 0, sizeBytes);
    return Buffer.concat([head, body]);
  };
  const extension = (type: number, body: Uint8Array): Buffer => Buffer.concat([Buffer.of(type >> 8, type & 0xff), vector(2, body)]);
  const names = vector(2, Buffer.of(0), vector(2, Buffer.from(name)));
  const body = Buffer.concat([Buffer.of(3, 3), Buffer.alloc(32, 7), vector(1, Buffer.alloc(32, 8)), vector(2, Buffer.of(0x13, 1)), vector(1, Buffer.of(0)), vector(2, extension(43, Buffer.of(2, 3, 4)), extension(0, names), extension(16, Buffer.alloc(9, 1)))]);
  const message = Buffer.concat([Buffer.of(1), vector(3, body)]);
  return Buffer.concat([Buffer.of(0x16, 3, 1), vector(2, message)]);
}

test(`${RUNS} damaged TLS hellos: a name that is in it or none, and never a knock that nobody made`, async () => {
  const random = seeded(62);
  const good = helloOf(knockName(knocks[0] ?? Buffer.alloc(0)));
  expect(knockOfName(serverNameOf(good))).toEqual(knocks[0]);
  let [named, knocked] = [0, 0];
  for (let run = 0; run < RUNS; run++) {
    const bytes = mutate(good, random);
    const name = serverNameOf(bytes);
    if (name === undefined) continue;
    named++;
    if (name.length > bytes.length) expect(bytes).toBeUndefined();
    const knock = knockOfName(name);
    if (knock.byteLength === KNOCK_BYTES && Buffer.from(knock).equals(knocks[0] ?? Buffer.alloc(0))) knocked++;
    else if (knock.byteLength === KNOCK_BYTES) await expect(door.open(knock)).rejects.toMatchObject({ code: 'ZONE_STRANGER' });
  }
  expect([named > RUNS / 20, knocked > 0, named < RUNS]).toEqual([true, true, true]);
});

test(`${RUNS} beginnings of a connection, cut anywhere: as many bytes as are wanted or a stranger, and no more are kept`, async () => {
  const random = seeded(63);
  const below = (limit: number): number => Math.floor(random() * limit);
  const outcomes = new Map<string, number>();
  for (let run = 0; run < RUNS; run++) {
    const isRecord = random() < 0.5;
    const most = isRecord ? 600 : KNOCK_BYTES;
    const collected = new Collected(isRecord ? recordBytes : () => KNOCK_BYTES, most);
    const bytes = Buffer.alloc(below(2 * most), below(256));
    if (isRecord && bytes.length >= 5) bytes.writeUInt16BE(random() < 0.5 ? Math.max(0, bytes.length - 5) : below(65_536), 3);
    for (let at = 0; at < bytes.length;) {
      const next = at + 1 + below(64);
      collected.push(bytes.subarray(at, next));
      at = next;
    }
    collected.fail('over');
    const outcome = await collected.done.then((taken) => (taken.length <= most && bytes.subarray(0, taken.length).equals(taken) ? 'taken' : 'wrong'), (error: unknown) => (isCoded(error) ? error.code : String(error)));
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  expect([...outcomes.keys()].toSorted()).toEqual(['ZONE_HANDSHAKE_FAILED', 'ZONE_STRANGER', 'taken']);
});

test(`${RUNS} answers to a knock, cut anywhere: only the right one is, and what follows it is passed on whole`, async () => {
  const random = seeded(64);
  const answer = randomBytes(32);
  let [members, others] = [0, 0];
  for (let run = 0; run < RUNS; run++) {
    const rest = Buffer.alloc(Math.floor(random() * 40), 5);
    const said = Buffer.concat([random() < 0.5 ? answer : mutate(answer, random), rest]);
    const passed: Buffer[] = [];
    const reader = new AnswerReader(answer, FUZZ_PEER, (bytes) => void passed.push(Buffer.from(bytes)));
    for (let at = 0; at < said.length;) {
      const next = at + 1 + Math.floor(random() * 16);
      reader.take(said.subarray(at, next));
      at = next;
    }
    reader.end();
    const isMember = said.subarray(0, 32).equals(answer);
    const error = await reader.done.then(() => undefined, (reason: unknown) => reason);
    if (isMember !== (error === undefined) || (error !== undefined && !(error instanceof CodedError))) throw new Error(`case ${run}: ${said.toString('hex')}`, { cause: error });
    // The bytes of somebody else reach nobody.
    if (!Buffer.concat(passed).equals(isMember ? said.subarray(32) : Buffer.alloc(0))) throw new Error(`case ${run}: ${said.toString('hex')}`);
    if (isMember) members++;
    else others++;
  }
  expect([members > RUNS / 4, others > RUNS / 10]).toEqual([true, true]);
});
