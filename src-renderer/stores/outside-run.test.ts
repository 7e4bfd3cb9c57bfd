import { beforeEach, describe, expect, it } from 'vitest';
import type { EconomyOp, EconomyPlan } from '../../src-preload/bridge/index.ts';
import { begunIn, forgetBegun, OutsideError, resumeOutside, runOutside, type Begun, type Landed, type OutsidePorts, type OutsideStep } from './outside-run.ts';

const WHERE = { account: `0x${'ab'.repeat(20)}`, chainId: 10 };
const OP: EconomyOp = { op: 'stake', amount: '1000' };
const hashOf = (index: number): string => `0x${String(index).repeat(64)}`;

/** A chain and a wallet that do what a test says; a step is planned as long as it is not done. */
class Ground implements OutsidePorts {
  readonly kept = new Map<string, string>();
  readonly storage = { getItem: (key: string) => this.kept.get(key) ?? null, setItem: (key: string, value: string) => void this.kept.set(key, value), removeItem: (key: string) => void this.kept.delete(key) };
  readonly sent: string[] = [];
  shown: readonly OutsideStep[] = [];
  nonce = 5;
  todo: readonly string[] = ['bind', 'approve', 'stake'];
  /** What the wallet does with the next ones. */
  wallet: (() => Promise<unknown>)[] = [];
  lands: Landed[] = [];
  landing: Promise<unknown> = Promise.resolve();
  control = new AbortController();

  readonly plan = async (): Promise<EconomyPlan> => ({ what: 'stake', nonce: this.nonce, calls: this.todo.map((what) => ({ what, to: WHERE.account, data: '0x12', value: '0' })) });
  readonly send = async ({ what }: { readonly what: string }): Promise<string> => {
    await this.wallet.shift()?.();
    this.sent.push(what);
    return hashOf(this.sent.length);
  };
  readonly landed = async (): Promise<Landed> => {
    await this.landing;
    const how = this.lands.shift() ?? 'mined';
    this.nonce++;
    if (how === 'mined') this.todo = this.todo.filter((what) => !this.sent.includes(what));
    return how;
  };
  readonly changed = (steps: readonly OutsideStep[]): void => { this.shown = steps; };

  get signal(): AbortSignal {
    return this.control.signal;
  }

  get begun(): Begun | undefined {
    return begunIn(this.storage, WHERE);
  }
}

let ground: Ground;
beforeEach(() => { ground = new Ground(); });
const never = (): Promise<never> => new Promise(() => undefined);
const refuse = () => Promise.reject(new Error('failed', { cause: Object.assign(new Error('no'), { code: 4001 }) }));
const statuses = () => ground.shown.map(({ status }) => status);
const settled = () => new Promise((resolve) => { setImmediate(resolve); });

describe('sending step by step', () => {
  it('asks for each when the one before is in a block, and keeps nothing after the last', async () => {
    await runOutside(OP, WHERE, ground);
    expect([ground.sent, statuses(), ground.begun]).toEqual([['bind', 'approve', 'stake'], ['mined', 'mined', 'mined'], undefined]);
  });

  it('stops at a refusal, which leaves nothing under way', async () => {
    ground.wallet = [async () => undefined, refuse];
    await expect(runOutside(OP, WHERE, ground)).rejects.toThrow('failed');
    expect([ground.sent, statuses(), ground.begun]).toEqual([['bind'], ['mined', 'refused', 'waiting'], undefined]);
    await runOutside(OP, WHERE, ground);
    expect(ground.sent).toEqual(['bind', 'approve', 'stake']);
  });

  it('keeps nothing of what was not sent, and all of what may have been', async () => {
    ground.wallet = [() => Promise.reject(new OutsideError('other-contracts'))];
    await expect(runOutside(OP, WHERE, ground)).rejects.toMatchObject({ reason: 'other-contracts' });
    expect([statuses(), ground.begun]).toEqual([['failed', 'waiting', 'waiting'], undefined]);
    ground.wallet = [() => Promise.reject(new Error('the wallet is gone'))];
    await expect(runOutside(OP, WHERE, ground)).rejects.toThrow('gone');
    expect([statuses(), ground.begun]).toEqual([['failed', 'waiting', 'waiting'], { op: OP, ...WHERE, nonce: 5, left: 3 }]);
  });

  it.each(['reverted', 'replaced'] as const)('stops where one was %s', async (how) => {
    ground.lands = [how];
    await expect(runOutside(OP, WHERE, ground)).rejects.toMatchObject({ reason: how });
    expect([ground.sent, statuses(), ground.begun]).toEqual([['bind'], ['failed', 'waiting', 'waiting'], undefined]);
  });
});

describe('what was begun', () => {
  it('is kept with its hash, and goes on after it without sending it again', async () => {
    ground.landing = never();
    void runOutside(OP, WHERE, ground);
    await settled();
    expect(ground.begun).toEqual({ op: OP, ...WHERE, nonce: 5, left: 3, hash: hashOf(1) });
    ground.landing = Promise.resolve();
    await resumeOutside(ground.begun!, ground);
    expect([ground.sent, ground.begun]).toEqual([['bind', 'approve', 'stake'], undefined]);
  });

  it('is left after the step that is under way when nobody looks any more', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    ground.landing = promise;
    const run = runOutside(OP, WHERE, ground);
    await settled();
    ground.control.abort();
    resolve();
    await expect(run).rejects.toThrow(/abort/i);
    expect([ground.sent, ground.begun?.hash]).toEqual([['bind'], hashOf(1)]);
    ground.control = new AbortController();
    // Seen in its block once more: the account's number is what it was then.
    ground.nonce--;
    await resumeOutside(ground.begun!, ground);
    expect([ground.sent, ground.begun]).toEqual([['bind', 'approve', 'stake'], undefined]);
  });

  it('is over when the last step turns out to be in a block', async () => {
    ground.todo = ['stake'];
    ground.landing = never();
    void runOutside(OP, WHERE, ground);
    await settled();
    ground.landing = Promise.resolve();
    await resumeOutside(ground.begun!, ground);
    // Planned anew it would be staked twice: the contracts know of no step that is done.
    ground.todo = ['approve', 'stake'];
    expect([ground.sent, statuses(), ground.begun]).toEqual([['stake'], ['mined'], undefined]);
  });

  it('goes on where the wallet was asked and sent nothing, and does not where the account sent something', async () => {
    ground.wallet = [never];
    void runOutside(OP, WHERE, ground);
    await settled();
    const begun = ground.begun!;
    expect([begun.hash, begun.nonce]).toEqual([undefined, 5]);
    // The wallet's window was left open, and its owner agreed after the page was gone.
    ground.nonce = 6;
    await expect(resumeOutside(begun, ground)).rejects.toMatchObject({ reason: 'moved' });
    expect([ground.sent, ground.begun]).toEqual([[], undefined]);
    ground.nonce = 5;
    await resumeOutside(begun, ground);
    expect(ground.sent).toEqual(['bind', 'approve', 'stake']);
  });

  it('is of one account on one chain, and nothing that somebody else wrote', async () => {
    ground.wallet = [never];
    void runOutside(OP, WHERE, ground);
    await settled();
    expect(begunIn(ground.storage, { ...WHERE, account: WHERE.account.toUpperCase().replace('X', 'x') })).toBeDefined();
    expect(begunIn(ground.storage, { ...WHERE, chainId: 11 })).toBeUndefined();
    expect(begunIn(ground.storage, { ...WHERE, account: `0x${'cd'.repeat(20)}` })).toBeUndefined();
    forgetBegun(ground.storage);
    expect(ground.begun).toBeUndefined();
    for (const text of ['', '{', '{"op":{"op":"transfer"}}', JSON.stringify({ op: OP, ...WHERE, nonce: -1, left: 1 })]) {
      ground.kept.set('omninode.outside', text);
      expect(ground.begun).toBeUndefined();
    }
  });
});
