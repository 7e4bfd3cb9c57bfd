import { base32 } from 'multiformats/bases/base32';
import { expect, it } from 'vitest';
import { asPeerId, CodedError, ManualClock } from '../../src-main/base/index.ts';
import { AddressBook } from '../../src-main/mesh/discovery/address-book.ts';
import { bookSchema } from '../../src-main/mesh/discovery/book-schema.ts';
import { plainAddress } from '../../src-main/mesh/discovery/plain-address.ts';
import { createInvite, INVITE_PREFIX, loadSigner, readInvite } from '../../src-main/mesh/index.ts';
import { decodePeers, encodePeers, peersAnswerSchema, peersQuestionSchema } from '../../src-main/mesh/protocols/peers/schema.ts';
import { newZoneKey } from '../../src-main/mesh/zone/zone-key.ts';
import { seeded } from '../support/models/index.ts';
import { casesOf } from './cases.ts';
import { mutateText } from './mutate-text.ts';

const RUNS = casesOf(3_000);
const NOW_MS = 1_800_000_000_000;

it(`takes of ${RUNS} damaged questions and answers for peers only sound ones, and of those only addresses that may be dialled`, async () => {
  const random = seeded(41);
  const ids = await Promise.all(Array.from({ length: 4 }, async () => (await loadSigner({ kind: 'ephemeral' })).peerId));
  const addresses = ids.map((id, i) => `/ip4/10.0.0.${i}/tcp/400${i}/p2p/${id}`);
  const good = encodePeers({ version: 1, addresses, peers: ids.map((peer, i) => ({ peer, addresses: [addresses[i] ?? ''] })) });
  let [accepted, refused] = [0, 0];
  for (let run = 0; run < RUNS; run++) {
    const bytes = mutateText(good, random);
    decodePeers(peersQuestionSchema, bytes);
    const answer = decodePeers(peersAnswerSchema, bytes);
    if (answer === undefined) refused++;
    else accepted++;
    for (const told of answer?.peers ?? []) for (const address of told.addresses) {
      const plain = plainAddress(address, told.peer);
      if (plain !== undefined) expect(plain.host).toMatch(/^[\d.]+$|:/);
    }
  }
  expect(accepted).toBeGreaterThan(RUNS / 20);
  expect(refused).toBeGreaterThan(RUNS / 4);
});

it(`refuses each of ${RUNS} damaged invitations with a code of its own`, async () => {
  const random = seeded(42);
  const signer = await loadSigner({ kind: 'ephemeral' });
  const link = await createInvite(signer, { zone: 'private', zoneKey: newZoneKey(), addresses: [`/ip4/10.0.0.1/tcp/4001/p2p/${signer.peerId}`, '/dns4/a.example/tcp/443/ws'], expiresAtMs: NOW_MS + 60_000 }, NOW_MS);
  const good = base32.baseDecode(link.slice(INVITE_PREFIX.length));
  for (let run = 0; run < RUNS; run++) {
    const isBytes = run % 2 === 0;
    const bytes = mutateText(isBytes ? good : Buffer.from(link), random);
    if (bytes.equals(isBytes ? good : Buffer.from(link))) continue;
    const damaged = isBytes ? INVITE_PREFIX + base32.baseEncode(bytes) : bytes.toString('utf8');
    // White space and upper case are no damage.
    if (damaged.replaceAll(/\s/g, '').toLowerCase().replace(/\/$/, '') === link) continue;
    const error = await readInvite(damaged, NOW_MS).then(() => undefined, (reason: unknown) => reason);
    if (!(error instanceof CodedError) || !error.code.startsWith('INVITE_') || error.fault !== 'user') throw new Error(`not refused: ${damaged}`, { cause: error });
  }
});

it(`reads of ${RUNS} damaged address books only sound ones, and can go on with them`, () => {
  const random = seeded(43);
  const book = new AddressBook(new ManualClock(NOW_MS));
  for (let i = 0; i < 4; i++) {
    const peer = asPeerId(`12D3KooW${i}`);
    book.reached(peer, `/ip4/10.0.0.${i}/tcp/1/p2p/${peer}`);
    book.seen(peer, i);
  }
  const good = Buffer.from(JSON.stringify(book.content()));
  let accepted = 0;
  for (let run = 0; run < RUNS; run++) {
    let json: unknown;
    try {
      json = JSON.parse(mutateText(good, random).toString('utf8'));
    } catch {
      continue;
    }
    const parsed = bookSchema.safeParse(json);
    if (!parsed.success) continue;
    accepted++;
    const later = new AddressBook(new ManualClock(NOW_MS));
    later.restore(parsed.data);
    for (const { peer } of later.best()) expect(later.addressesOf(peer).length).toBeGreaterThan(0);
    expect(bookSchema.safeParse(JSON.parse(JSON.stringify(later.content()))).success).toBe(true);
  }
  expect(accepted).toBeGreaterThan(0);
});
