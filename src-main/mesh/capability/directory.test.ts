import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { asPeerId, Events, ManualClock } from '../../base/index.ts';
import { Author, profileOf } from '../testing/capability.ts';
import { Directory, type DirectoryEvents } from './directory.ts';
import type { Envelope } from './message.ts';
import { FORGET_MS, LATE_MS, MAX_APART, MAX_SKEW_MS, MAX_TTL_MS, MISSED_SWEEP_MS, REFUTE_MS, SWEEP_MS } from './options.ts';

const START = 1_800_000_000_000;
const TTL_MS = 13_000;
const author = await Author.create();
const other = await Author.create();
let clock: ManualClock;
let seen: string[];
let missing: string[];
let directory: Directory;

function create(maxKnown?: number): Directory {
  const events = new Events<DirectoryEvents>();
  seen = [];
  missing = [];
  events.on('peer:joined', ({ profile }) => seen.push(`joined ${profile.name}`));
  events.on('peer:changed', ({ profile }) => seen.push(`changed ${profile.name}`));
  events.on('peer:left', ({ why }) => seen.push(`left ${why}`));
  return new Directory({ self: asPeerId('self'), clock, events, onMissing: (peer) => missing.push(peer), ...(maxKnown === undefined ? {} : { maxKnown }) });
}

beforeEach(() => {
  clock = new ManualClock(START);
  directory = create();
});

const ad = (seq: number, { run = START, name = `n${seq}`, at = clock.now(), by = author } = {}): Envelope => by.unsigned({ kind: 'ad', profile: profileOf(name) }, { run, seq, at });
const alive = (seq: number, { run = START, of = 1, at = clock.now() } = {}): Envelope => author.unsigned({ kind: 'alive', ad: of }, { run, seq, at });
const bye = (seq: number, { run = START, at = clock.now(), by = author } = {}): Envelope => by.unsigned({ kind: 'bye' }, { run, seq, at });
/** As the service does it: a sweep every half second. */
function pass(ms: number): void {
  for (let left = ms; left > 0; left -= SWEEP_MS) {
    clock.advance(Math.min(SWEEP_MS, left));
    directory.sweep();
  }
}

describe('who is there', () => {
  it('joins with an ad, changes with another, stays with beats, leaves with a farewell', () => {
    expect(directory.take(ad(1))).toBeUndefined();
    pass(TTL_MS - 1000);
    expect(directory.take(alive(2))).toBeUndefined();
    pass(TTL_MS - 1000);
    expect(directory.take(ad(3))).toBeUndefined();
    expect(directory.members()).toMatchObject([{ peer: author.peer, profile: { name: 'n3' }, startedAt: START, since: START }]);
    expect(directory.take(bye(4))).toBeUndefined();
    expect(seen).toEqual(['joined n1', 'changed n3', 'left farewell']);
    expect([directory.members(), directory.isGone(author.peer)]).toEqual([[], true]);
  });

  it('is gone when nothing was heard within the time to live, and back with the next beat as it was', () => {
    directory.take(ad(1));
    pass(TTL_MS - SWEEP_MS);
    expect(directory.isGone(author.peer)).toBe(false);
    pass(SWEEP_MS);
    expect([seen.at(-1), directory.isGone(author.peer), directory.members()]).toEqual(['left silent', true, []]);
    expect(directory.take(alive(2))).toBeUndefined();
    expect(seen).toEqual(['joined n1', 'left silent', 'joined n1']);
    expect(missing).toEqual([]);
  });

  it('is gone sooner once somebody lost it, unless it is heard since', () => {
    directory.take(ad(1));
    directory.suspect(author.peer);
    pass(REFUTE_MS);
    expect(seen).toEqual(['joined n1', 'left silent']);
    directory.take(alive(2));
    directory.suspect(author.peer);
    pass(REFUTE_MS - SWEEP_MS);
    directory.take(alive(3));
    pass(TTL_MS - SWEEP_MS);
    expect(directory.isGone(author.peer)).toBe(false);
  });

  it('is suspected once: who repeats it gives it no more time', () => {
    directory.take(ad(1));
    directory.suspect(author.peer);
    pass(REFUTE_MS - SWEEP_MS);
    directory.suspect(author.peer);
    expect(directory.newestOf(author.peer)).toMatchObject({ seq: 1, isSuspected: true });
    pass(SWEEP_MS);
    expect([seen, directory.newestOf(author.peer)]).toEqual([['joined n1', 'left silent'], undefined]);
  });

  it('does not live longer for being suspected', () => {
    directory.take(ad(1));
    pass(TTL_MS - SWEEP_MS);
    directory.suspect(author.peer);
    pass(SWEEP_MS);
    expect(seen.at(-1)).toBe('left silent');
  });

  it('began anew: that is another stay, and nothing of the old one counts', () => {
    directory.take(ad(5, { name: 'old' }));
    clock.advance(1000);
    expect(directory.take(ad(1, { run: START + 500, name: 'new' }))).toBeUndefined();
    expect(seen).toEqual(['joined old', 'left restarted', 'joined new']);
    expect([directory.take(alive(6)), directory.take(bye(7))]).toEqual(['CAPABILITY_REPLAYED', 'CAPABILITY_REPLAYED']);
    expect(directory.members()).toHaveLength(1);
  });

  it('keeps everybody while this machine itself was frozen', () => {
    directory.take(ad(1));
    clock.advance(60_000);
    directory.sweep();
    expect(directory.isGone(author.peer)).toBe(false);
    pass(TTL_MS);
    expect(directory.isGone(author.peer)).toBe(true);
  });

  it('asks for the ad of who is alive, and shows nobody without one', () => {
    expect(directory.take(alive(4, { of: 3 }))).toBeUndefined();
    expect([missing, directory.members(), seen]).toEqual([[author.peer], [], []]);
    // It comes from somebody who kept it, after newer messages: it tells what the node is, and makes it live no longer.
    pass(5_000);
    expect(directory.take(ad(3, { at: START }))).toBeUndefined();
    expect(seen).toEqual(['joined n3']);
    pass(TTL_MS - 5_000);
    expect(seen.at(-1)).toBe('left silent');
  });
});

it('asks for the beat of who is late, where beats are rare, once for each', () => {
  const rare = (seq: number): Envelope => author.unsigned({ kind: 'alive', ad: 1 }, { run: START, seq, at: clock.now(), ttlMs: 120_000 });
  directory.take(ad(1));
  directory.take(rare(2));
  pass(120_000 - LATE_MS - SWEEP_MS);
  expect([missing, directory.isMissing(author.peer)]).toEqual([[], false]);
  pass(2 * SWEEP_MS);
  expect([missing, directory.isMissing(author.peer), directory.lacksAd(author.peer)]).toEqual([[author.peer], true, false]);
  directory.take(rare(3));
  expect([missing, directory.isMissing(author.peer), seen]).toEqual([[author.peer], false, ['joined n1']]);
});

it('asks for nobody where the next beat comes as soon', () => {
  directory.take(ad(1));
  pass(TTL_MS - SWEEP_MS);
  expect([missing, directory.isMissing(author.peer)]).toEqual([[], false]);
});

it('lacks what was told and not heard, also of who is known', () => {
  directory.take(ad(1));
  expect(directory.lacksAd(author.peer)).toBe(false);
  directory.take(alive(3, { of: 2 }));
  expect([missing, directory.lacksAd(author.peer)]).toEqual([[author.peer], true]);
  directory.take(ad(2));
  expect([seen, directory.lacksAd(author.peer)]).toEqual([['joined n1', 'changed n2'], false]);
});

describe('no ghosts', () => {
  it('takes nothing twice, nothing that is older than what it has', () => {
    const first = ad(1);
    directory.take(first);
    directory.take(alive(3));
    for (const late of [first, alive(2), alive(3), ad(1)]) expect(directory.take(late)).toBe('CAPABILITY_REPLAYED');
    expect(seen).toEqual(['joined n1']);
  });

  it('after a farewell nothing of that run counts, however new', () => {
    directory.take(ad(1));
    directory.take(bye(2));
    for (const late of [ad(1), alive(3), ad(4)]) expect(directory.take(late)).toBe('CAPABILITY_LEFT');
    expect(directory.members()).toEqual([]);
  });

  it('a farewell that comes first keeps what was said before it out', () => {
    directory.take(bye(2));
    expect(directory.take(ad(1))).toBe('CAPABILITY_LEFT');
    expect(seen).toEqual([]);
  });

  it('a beat of a dead node that was held up on its way revives nobody', () => {
    directory.take(ad(1));
    const held = alive(2);
    pass(TTL_MS + 5_000);
    expect(directory.take(held)).toBe('CAPABILITY_STALE');
    expect(seen).toEqual(['joined n1', 'left silent']);
  });

  it('a beat that was held up for a while counts for what is left of its time', () => {
    directory.take(ad(1));
    const held = alive(2);
    pass(10_000);
    expect(directory.take(held)).toBeUndefined();
    pass(3_000);
    expect(seen).toEqual(['joined n1', 'left silent']);
  });

  it('what a neighbour kept counts no longer than at the neighbour', () => {
    directory.take(ad(1), { leftMs: 2_000 });
    pass(2_000);
    expect(seen).toEqual(['joined n1', 'left silent']);
  });

  it('a neighbour’s word makes nobody leave that we hear ourselves', () => {
    directory.take(ad(1));
    directory.take(alive(2), { leftMs: 0 });
    pass(TTL_MS - SWEEP_MS);
    expect(seen).toEqual(['joined n1']);
  });

  it('refuses clocks that are far off, with a code for each side', () => {
    expect(directory.take(ad(1, { run: 1, at: START - MAX_SKEW_MS - 1 }))).toBe('CAPABILITY_CLOCK_BEHIND');
    expect(directory.take(ad(1, { at: START + MAX_SKEW_MS + 1 }))).toBe('CAPABILITY_CLOCK_AHEAD');
    expect(directory.take(ad(1, { run: 1, at: START - MAX_SKEW_MS }))).toBeUndefined();
  });

  it('a clock that is wrong within bounds changes nothing about when its node is gone', () => {
    const wrongMs = 100_000;
    const at = (): number => clock.now() + wrongMs;
    directory.take(ad(1, { at: at() }));
    pass(4_000);
    directory.take(alive(2, { at: at() }));
    pass(TTL_MS - SWEEP_MS);
    expect(directory.isGone(author.peer)).toBe(false);
    pass(SWEEP_MS);
    expect(directory.isGone(author.peer)).toBe(true);
  });

  it('forgets who left only when nothing of it can pass any more', () => {
    const first = ad(1, { at: START + MAX_SKEW_MS });
    directory.take(first);
    directory.take(bye(2));
    pass(FORGET_MS);
    expect(directory.take(first)).toBe('CAPABILITY_CLOCK_BEHIND');
    pass(SWEEP_MS);
    expect([directory.isGone(author.peer), directory.take(first)]).toEqual([false, 'CAPABILITY_CLOCK_BEHIND']);
  });

  it('ignores itself as others tell it', () => {
    const self = new Directory({ self: author.peer, clock, events: new Events() });
    expect(self.take(ad(1))).toBe('CAPABILITY_OWN');
  });

  it('is bounded: who left gives way, who is there does not', () => {
    directory = create(1);
    directory.take(ad(1));
    expect([directory.take(ad(1, { by: other })), directory.take(bye(2, { by: other }))]).toEqual(['CAPABILITY_FULL', 'CAPABILITY_FULL']);
    directory.take(bye(2));
    expect(directory.take(ad(1, { by: other, name: 'other' }))).toBeUndefined();
    expect(directory.members().map(({ profile }) => profile.name)).toEqual(['other']);
  });
});

/** A node's life: what it says, 4 s apart, over up to three runs. */
const life = fc.array(fc.record({ beats: fc.array(fc.boolean(), { maxLength: 6 }), leaves: fc.boolean() }), { minLength: 1, maxLength: 3 }).map((runs) => {
  let at = START;
  return runs.flatMap(({ beats, leaves }) => {
    const run = at;
    let [seq, lastAd] = [1, 1];
    const said = [ad(1, { run, name: `${run - START}/1`, at })];
    for (const isAd of beats) {
      at += 4_000;
      seq++;
      if (isAd) lastAd = seq;
      said.push(isAd ? ad(seq, { run, name: `${run - START}/${seq}`, at }) : alive(seq, { run, of: lastAd, at }));
    }
    at += 1_000;
    if (leaves) said.push(bye(seq + 1, { run, at }));
    at += 1_000;
    return said;
  });
});
const endOf = (said: readonly Envelope[]): { readonly isHere: boolean; readonly ad: string | undefined } => {
  const { run, kind } = said.at(-1)!.message;
  const ads = said.flatMap(({ message }) => (message.kind === 'ad' && message.run === run ? [message.profile.name] : []));
  return kind === 'bye' ? { isHere: false, ad: undefined } : { isHere: true, ad: ads.at(-1) };
};

describe('properties', () => {
  it('in whatever order and however often messages come in time, the end is the same', () => {
    fc.assert(fc.property(life, fc.infiniteStream(fc.nat()), (said, random) => {
      clock = new ManualClock(said.at(-1)!.message.at);
      directory = create();
      // Those of long ago may have died on the way; what is in time comes in any order, some of it twice.
      const order = said.flatMap((one) => [one, one]).map((one) => ({ one, at: random.next().value })).toSorted((a, b) => a.at - b.at).map(({ one }) => one);
      for (const envelope of order) directory.take(envelope);
      const [member] = directory.members();
      expect({ isHere: member !== undefined, ad: member?.profile.name }).toEqual(endOf(said));
    }));
  });

  it('told again later, all of it changes nothing', () => {
    fc.assert(fc.property(life, fc.nat({ max: FORGET_MS }), fc.boolean(), (said, laterMs, sweeps) => {
      clock = new ManualClock(START);
      directory = create();
      for (const envelope of said) {
        clock.advance(envelope.message.at - clock.now());
        directory.take(envelope);
      }
      clock.advance(laterMs);
      if (sweeps) directory.sweep();
      const [before, events] = [directory.members(), seen.length];
      for (const envelope of [...said, ...said.toReversed()]) expect(directory.take(envelope)).toBeDefined();
      expect([directory.members(), seen.length]).toEqual([before, events]);
    }));
  });

  it('joined and left take turns, and the last of them agrees with the list', () => {
    const step = fc.oneof(fc.record({ pass: fc.nat({ max: 20_000 }) }), fc.record({ message: fc.nat({ max: 40 }) }), fc.constant({ lost: true as const }));
    fc.assert(fc.property(life, fc.array(step, { maxLength: 60 }), (said, steps) => {
      clock = new ManualClock(START);
      directory = create();
      for (const one of steps) {
        if ('pass' in one) pass(Math.min(one.pass, MISSED_SWEEP_MS * 5));
        else if ('lost' in one) directory.suspect(author.peer);
        else directory.take(said[one.message % said.length]!);
      }
      const turns = seen.filter((text) => !text.startsWith('changed')).map((text) => text.split(' ')[0]);
      expect(turns).toEqual(turns.map((_, index) => (index % 2 === 0 ? 'joined' : 'left')));
      expect([directory.members().length, directory.count]).toEqual([turns.length % 2, turns.length % 2]);
    }));
  });
});

describe('clocks', () => {
  const seconds = () => directory.clocks().map(({ peer, aheadMs, isTaken }) => [peer, aheadMs / 1000, isTaken]);

  it('shows how far each is ahead of ours, by its quickest message', () => {
    directory.take(ad(1, { at: clock.now() + 70_000 - 800 }));
    directory.take(ad(1, { by: other, at: clock.now() - 30_000 }));
    pass(4_000);
    directory.take(alive(2, { at: clock.now() + 70_000 - 20 }));
    expect(seconds()).toEqual([[author.peer, 69.98, true], [other.peer, -30, true]]);
    directory.take(bye(2, { by: other, at: clock.now() - 30_000 }));
    expect(seconds()).toEqual([[author.peer, 69.98, true]]);
  });

  it('shows those that are not taken for their clocks, as long as they are heard', () => {
    expect(directory.take(ad(1, { run: START + 7_200_000, at: clock.now() + 7_200_000 }))).toBe('CAPABILITY_CLOCK_AHEAD');
    expect(directory.take(ad(1, { by: other, run: 0, at: clock.now() - 7_200_000 }))).toBe('CAPABILITY_CLOCK_BEHIND');
    expect(seconds()).toEqual([[author.peer, 7200, false], [other.peer, -7200, false]]);
    // Its clock was set.
    directory.take(ad(2, { at: clock.now() }));
    expect(seconds()).toEqual([[author.peer, 0, true], [other.peer, -7200, false]]);
    pass(MAX_TTL_MS + SWEEP_MS);
    expect(seconds()).toEqual([]);
  });

  it('says nothing by what came out of somebody\'s memory, and bounds what it keeps of strangers', () => {
    directory.take(ad(1, { at: clock.now() - 60_000 }), { leftMs: 5_000 });
    expect([directory.members().length, seconds()]).toEqual([1, []]);
    expect(directory.take(ad(1, { by: other, run: 0, at: 1 }), { leftMs: 5_000 })).toBe('CAPABILITY_CLOCK_BEHIND');
    expect(seconds()).toEqual([]);
    const { message, bytes } = ad(1, { run: 0, at: 1 });
    for (let index = 0; index < MAX_APART + 10; index++) directory.take({ message: { ...message, peer: asPeerId(`stranger${index}`) }, bytes });
    expect(directory.clocks()).toHaveLength(MAX_APART);
    expect(directory.clocks()[0]?.peer).toBe('stranger10');
  });
});
