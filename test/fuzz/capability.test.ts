import { createPrivateKey, sign } from 'node:crypto';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { beforeAll, describe, expect, test } from 'vitest';
import { CodedError, Events, isCoded, ManualClock, RateLimiter, type PeerId } from '../../src-main/base/index.ts';
import { Directory, type DirectoryEvents } from '../../src-main/mesh/capability/directory.ts';
import { open, seal, type CapabilityMessage } from '../../src-main/mesh/capability/message.ts';
import { MAX_LOST, MAX_SKEW_MS, MAX_TTL_MS, SIGNATURE_BYTES } from '../../src-main/mesh/capability/options.ts';
import { Suspicions } from '../../src-main/mesh/capability/suspicions.ts';
import { createSigner } from '../../src-main/mesh/identity/signature.ts';
import { MAX_ASKED_PEERS } from '../../src-main/mesh/protocols/capability/constants.ts';
import { decodeAnswer, encodeAnswer, encodeQuestion, type Question } from '../../src-main/mesh/protocols/capability/schema.ts';
import { serveCapability } from '../../src-main/mesh/protocols/capability/server.ts';
import { profileOf } from '../../src-main/mesh/testing/capability.ts';
import type { Signer } from '../../src-main/mesh/types.ts';
import { seeded } from '../support/models/index.ts';
import { casesOf } from './cases.ts';
import { mutateText } from './mutate-text.ts';
import { ScriptedStream } from './scripted-stream.ts';
import { tried } from './tried.ts';

const RUNS = casesOf(1_500);
const NOW_MS = 1_800_000_000_000;
const PREFIX = Buffer.from('omninode capability 1\n');
/** PKCS #8 of an Ed25519 seed (RFC 8410). */
const ED25519_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Whoever damages a message can sign it anew with a key of his own: that of the author he names. */
interface Rogue extends Signer {
  signNow(body: Uint8Array): Uint8Array;
}
async function newRogue(): Promise<Rogue> {
  const key = await generateKeyPair('Ed25519');
  const native = createPrivateKey({ key: Buffer.concat([ED25519_HEAD, key.raw.subarray(0, 32)]), format: 'der', type: 'pkcs8' });
  return { ...createSigner(key), signNow: (body) => sign(null, Buffer.concat([PREFIX, body]), native) };
}

let rogue: Rogue;
let honest: Rogue;
let bodies: Buffer[];
beforeAll(async () => {
  [rogue, honest] = [await newRogue(), await newRogue()];
  const stamp = { peer: rogue.peerId, run: NOW_MS - 1000, seq: 2, at: NOW_MS, ttlMs: 13_000 };
  const full = { ...profileOf('x'), gpus: [{ name: 'GPU', memoryTotalBytes: 8e9 }], models: [{ hash: 'a', totalLayers: 4, held: [[0, 3] as const], loaded: [] }], links: [{ peer: honest.peerId, rttMs: 1 }] };
  const messages: readonly CapabilityMessage[] = [{ ...stamp, kind: 'ad', profile: full }, { ...stamp, kind: 'ad', profile: profileOf('y') }, { ...stamp, kind: 'alive', ad: 1 }, { ...stamp, kind: 'alive', ad: 1, lost: [{ peer: honest.peerId, run: NOW_MS, seq: 1 }, { peer: rogue.peerId, run: 1, seq: 9 }] }, { ...stamp, kind: 'bye' }];
  bodies = await Promise.all(messages.map(async (message) => Buffer.from((await seal(message, rogue)).bytes.subarray(SIGNATURE_BYTES))));
});

/** A damaged message; most are signed anew, as their sender could. */
function damaged(random: () => number): Buffer {
  const body = mutateText(bodies[Math.floor(random() * bodies.length)] ?? Buffer.alloc(0), random);
  const signature = random() < 0.8 ? rogue.signNow(body) : Buffer.alloc(SIGNATURE_BYTES, Math.floor(random() * 256));
  return Buffer.concat([signature, body]);
}

/** What the directory says to a message that is one. */
function taken(directory: Directory, suspicions: Suspicions, bytes: Uint8Array): string {
  const envelope = open(bytes);
  const { message } = envelope;
  const { peer, ttlMs, at, run } = message;
  const lost = message.kind === 'alive' ? message.lost ?? [] : [];
  if (lost.length > MAX_LOST) expect(message).toBeUndefined();
  if (lost.length > 0) suspicions.heard(peer, lost);
  if (peer !== rogue.peerId || ttlMs > MAX_TTL_MS || at < run) expect(envelope.message).toBeUndefined();
  const refusal = directory.take(envelope);
  if (refusal === undefined && Math.abs(NOW_MS - at) > MAX_SKEW_MS) expect(envelope.message).toBeUndefined();
  return refusal ?? 'taken';
}

describe(`${RUNS} damaged ads, beats and farewells`, () => {
  test('are what their author signed or refused, and nobody is there, or gone, but who signed', async () => {
    const random = seeded(31);
    const clock = new ManualClock(NOW_MS);
    const events = new Events<DirectoryEvents>();
    const directory = new Directory({ self: honest.peerId, clock, events });
    const suspicions = new Suspicions({ directory, clock, neighbours: () => 2, tell: () => Promise.resolve() });
    const told = new Set<PeerId>();
    for (const event of ['peer:joined', 'peer:changed', 'peer:left'] as const) events.on(event, ({ peer }) => void told.add(peer));
    const bystander = await newRogue();
    directory.take(await seal({ kind: 'ad', peer: bystander.peerId, run: NOW_MS, seq: 1, at: NOW_MS, ttlMs: MAX_TTL_MS, profile: profileOf('bystander') }, bystander));
    const codes = new Map<string, number>();
    const count = (code: string): void => void codes.set(code, (codes.get(code) ?? 0) + 1);
    for (let run = 0; run < RUNS; run++) {
      const bytes = damaged(random);
      try {
        count(taken(directory, suspicions, bytes));
      } catch (error) {
        if (!isCoded(error) || !error.code.startsWith('CAPABILITY_')) throw new Error(`case ${run}: ${bytes.toString('hex')}`, { cause: error });
        count(error.code);
      }
    }
    expect([...told].filter((peer) => peer !== rogue.peerId && peer !== bystander.peerId)).toEqual([]);
    expect(directory.member(bystander.peerId)?.profile.name).toBe('bystander');
    expect(directory.members().length).toBeLessThanOrEqual(2);
    expect(codes.get('CAPABILITY_FORGED')).toBeGreaterThan(RUNS / 50);
    expect(codes.get('CAPABILITY_INVALID')).toBeGreaterThan(RUNS / 8);
    expect((codes.get('taken') ?? 0) + (codes.get('CAPABILITY_REPLAYED') ?? 0) + (codes.get('CAPABILITY_LEFT') ?? 0)).toBeGreaterThan(RUNS / 50);
  });
});

describe(`${RUNS} damaged frames of /omni/capability/1.0.0`, () => {
  test('answers: what does not end where it says is none, and no message in it is longer than the frame', async () => {
    const random = seeded(32);
    const told = bodies.map((body) => ({ bytes: Buffer.concat([rogue.signNow(body), body]), leftMs: Math.floor(random() * 13_000) }));
    const samples = [encodeAnswer([told]), encodeAnswer([[told[2]!], [told[3]!]]), encodeAnswer([])];
    let [read, none] = [0, 0];
    await tried({ samples, seed: 33, runs: RUNS }, (bytes) => {
      const answer = decodeAnswer(bytes);
      if (answer === undefined) { none++; return; }
      read++;
      if (answer.reduce((sum, one) => sum + 6 + one.bytes.byteLength, 0) !== bytes.length) expect(bytes).toBeUndefined();
    });
    expect([read > RUNS / 20, none > RUNS / 20]).toEqual([true, true]);
  });

  test('questions: answered by what they ask, or the peer’s fault', async () => {
    const random = seeded(34);
    const rate = new RateLimiter({ perSecond: 1e12, burst: 1e12, maxKeys: 1 }, new ManualClock());
    const questions: readonly Question[] = [{ version: 1, after: '' }, { version: 1, after: rogue.peerId }, { version: 1, peers: [rogue.peerId, honest.peerId] }];
    const samples = questions.map(encodeQuestion);
    let [answered, refused] = [0, 0];
    for (let run = 0; run < RUNS; run++) {
      const stream = new ScriptedStream([mutateText(samples[run % samples.length] ?? Buffer.alloc(0), random)]);
      await serveCapability(stream, { rate, told: (question) => {
        if ('peers' in question ? question.peers.length > MAX_ASKED_PEERS : question.after.length > 128) expect(question).toBeUndefined();
        return [];
      } });
      if (stream.error === undefined) answered++;
      else refused++;
      if (stream.error !== undefined && (!(stream.error instanceof CodedError) || stream.error.fault !== 'peer')) throw stream.error;
    }
    expect([answered > RUNS / 20, refused > RUNS / 20]).toEqual([true, true]);
  });
});
