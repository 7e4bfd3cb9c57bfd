import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../src-main/base/index.ts';
import { EconomyHost } from '../../src-main/host/economy/economy-host.ts';
import { nodeSignerOf } from '../../src-main/host/paid/index.ts';
import { ownerService } from '../../src-main/host/economy/owner-service.ts';
import { loadSigner } from '../../src-main/mesh/index.ts';
import type { OwnerOp, OwnerService } from '../../src-main/api/index.ts';
import { CHEAP, PASSWORD } from '../support/wallet-ground.ts';

const SUM = 10n ** 18n;
const CONTRACTS = join(import.meta.dirname, '..', '..', 'resources', 'contracts');
const WEEK_S = 7 * 86_400;

let home: string;
let host: EconomyHost;
let owner: OwnerService;
const open = async (): Promise<void> => {
  const node = nodeSignerOf(await loadSigner({ kind: 'file', path: join(home, 'identity.key') }));
  host = await EconomyHost.open({ config: { kind: 'embedded' }, home, contractsFolder: CONTRACTS, logger: silentLogger, node, options: { chain: { canTravel: true }, wallet: { costForTests: CHEAP } } });
  await host.start();
  owner = ownerService(host);
};
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-economy-'));
  await open();
});
afterEach(async () => {
  await host.stop();
  await rm(home, { recursive: true, force: true });
});

const done = async (op: OwnerOp, password?: string): Promise<unknown> => {
  const { id } = await owner.ask(op);
  const sent = await owner.decide({ id, isApproved: true, ...(password === undefined ? {} : { password }) });
  return (await owner.settled({ id: sent?.id ?? '' })).status;
};

it('stakes, takes back after seven days and claims nothing, over a restart, with each step decided by the owner', async () => {
  const { address, phrase } = await owner.create({ password: PASSWORD, words: 12 });
  expect(await owner.settled({ id: (await owner.faucet({})).id })).toMatchObject({ status: 'confirmed' });
  const { id, lines, needsPassword } = await owner.ask({ op: 'stake', amount: String(1_500n * SUM) });
  expect(lines.join('\n')).toMatch(/NodeRegistry\.bind[^]*SumToken\.approve[^]*StakingContract\.stake[^]*tried {6}succeeds/);
  expect([needsPassword, lines.filter((line) => line.startsWith('WARNING'))]).toEqual([true, []]);
  await expect(owner.decide({ id, isApproved: true })).rejects.toMatchObject({ code: 'WALLET_PASSWORD_NEEDED' });
  const sent = await owner.decide({ id, isApproved: true, password: PASSWORD });
  expect(await owner.settled({ id: sent?.id ?? '' })).toMatchObject({ what: 'stake', status: 'confirmed', steps: [{ what: 'bind' }, { what: 'approve' }, { what: 'stake' }] });
  expect(await owner.ledger({})).toMatchObject({ staked: String(1_500n * SUM), liquid: String(18_500n * SUM), isActive: true, unbonding: [] });
  expect(host.now()).toMatchObject({ node: { owner: address }, link: { status: 'ready' }, wallet: { status: 'ready', address } });

  expect(await done({ op: 'unstake', amount: String(1_500n * SUM) })).toBe('confirmed');
  await host.stop();
  await open();
  expect(await owner.ledger({})).toMatchObject({ staked: '0', unbonding: [{ amount: String(1_500n * SUM), isMatured: false }], isActive: false });
  const early = await owner.ask({ op: 'withdraw' });
  expect(early.lines.join('\n')).toMatch(/WARNING {4}Tried now, this fails[^]*|tried {6}reverts: .*NothingMatured/);
  expect(await owner.decide({ id: early.id, isApproved: false })).toBeNull();
  await (await host.chain()).travel(WEEK_S);
  expect(await done({ op: 'withdraw' }, PASSWORD)).toBe('confirmed');
  expect(await owner.ledger({})).toMatchObject({ liquid: String(20_000n * SUM), unbonding: [] });
  await expectNowhere([phrase, PASSWORD, ...phrase.split(' ').slice(0, 3).map((word) => ` ${word} `)]);
});

it('says what cannot be done before anything is signed', async () => {
  await expect(owner.ask({ op: 'stake', amount: '1' })).rejects.toMatchObject({ code: 'WALLET_NONE' });
  await owner.create({ password: PASSWORD, words: 12 });
  await expect(owner.ask({ op: 'stake', amount: '1' })).rejects.toMatchObject({ code: 'ECONOMY_NOT_POSSIBLE' });
  await expect(owner.decide({ id: 'x', isApproved: true })).rejects.toMatchObject({ code: 'WALLET_NOTHING_WAITS' });
  await expect(owner.settled({ id: 'x' })).rejects.toMatchObject({ code: 'ECONOMY_NOT_POSSIBLE' });
});

/** In no file of the home. */
async function expectNowhere(secrets: readonly string[]): Promise<void> {
  const files = (await readdir(home, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
  for (const file of files) {
    const text = await readFile(join(file.parentPath, file.name), 'latin1');
    for (const secret of secrets) expect(text.includes(secret), `${file.name} holds a secret`).toBe(false);
  }
}
