import { encodeAbiParameters, encodeFunctionData, hashTypedData, keccak256, parseEther, toHex } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abis, billHash, billMessage, billWork, faultProof, leafOf, merklePath, merkleTree, sessionIdOf, voucherTypedData, type Bill, type Call, type Hex, type NodeSigner } from '../../src-main/chain/index.ts';
import { ChainGround, newAccount, newNode, temporaryHome } from '../../src-main/chain/testing/index.ts';

// What code off chain makes for paid sessions, judged by the contracts themselves on the embedded chain; and what ledger, earnings and slashes then say.

const DAY = 86_400;
const payer = newAccount();
const nodes = [newNode(), newNode(), newNode()] as const;
const caps = [parseEther('100'), parseEther('50'), parseEther('10')] as const;
const salt = keccak256(toHex('salt'));

let home: Awaited<ReturnType<typeof temporaryHome>>;
let ground: ChainGround;
let sessionId: Hex;
let place: { chainId: number; settlement: Hex };
let bills: Bill[];
let tree: ReturnType<typeof merkleTree>;

const contracts = () => ground.chain.network.contracts;
const call = (what: string, to: Hex, data: Hex): Call => ({ what, to, data, value: 0n });
const onSettlement = (what: string, data: Hex): Call => call(what, contracts().Settlement, data);
const billOf = (node: NodeSigner, amount: bigint, layers: readonly [number, number]): Bill => ({
  sessionId, workId: keccak256(toHex('work')), nodeId: node.nodeId, firstLayer: layers[0], lastLayer: layers[1], tokens: 100n, amount, receiptsRoot: keccak256(toHex('receipts')),
});
const claimOf = (index: number): Call => onSettlement('claim', encodeFunctionData({ abi: abis.Settlement, functionName: 'claim', args: [bills[index]!, tree.root, merklePath(tree, index)] }));
const signed = async (node: NodeSigner, bill: Bill) => ({ bill, signature: await node.sign(billMessage(bill, place)) });

beforeAll(async () => {
  home = await temporaryHome();
  ground = await ChainGround.start({ home: home.home });
  await ground.fund();
  await ground.fund(payer);
  place = { chainId: ground.chain.network.chainId, settlement: contracts().Settlement };
  for (const node of nodes) await ground.do({ op: 'stake', amount: parseEther('5000') }, { node });
});

afterAll(async () => {
  await ground?.chain.stop();
  await home?.remove();
});

describe.sequential('a paid session', () => {
  it('has the id, the digest and the work that the contracts make of the same', async () => {
    sessionId = sessionIdOf(place, { payer: payer.address, salt });
    const read = { address: contracts().Settlement, abi: abis.Settlement } as const;
    expect(await ground.chain.client.readContract({ ...read, functionName: 'sessionIdOf', args: [payer.address, salt] })).toBe(sessionId);
    const root = keccak256(toHex('any'));
    expect(hashTypedData(voucherTypedData(place, { sessionId, root }))).toBe(await ground.chain.client.readContract({ ...read, functionName: 'voucherDigest', args: [sessionId, root] }));
    bills = [billOf(nodes[0], parseEther('40'), [0, 9]), billOf(nodes[1], parseEther('60'), [10, 19]), billOf(nodes[2], parseEther('10'), [20, 21])];
    expect(bills.map(billWork)).toEqual([1000n, 1000n, 200n]);
  });

  it('proves faults by what nodes signed, and its hash of a bill is that of the contracts', async () => {
    const judge = (first: Bill, second: Bill) => Promise.all([signed(nodes[0], first), signed(nodes[0], second)]).then(([one, two]) => ground.chain.client.readContract({
      address: contracts().VerifierContract, abi: abis.VerifierContract, functionName: 'verifyFault', args: [nodes[0].nodeId, faultProof({ first: one, second: two })],
    }));
    const bill = bills[0]!;
    expect(await judge(bill, { ...bill, sessionId: keccak256(toHex('another')) })).toMatchObject([expect.any(String), 5_000n]);
    expect(await judge(bill, { ...bill, tokens: 101n })).toMatchObject([expect.any(String), 5_000n]);
    const refused = ground.chain.decodeError(await judge(bill, bill).catch((error: unknown) => error), contracts().VerifierContract);
    expect(refused).toMatchObject({ code: 'CHAIN_REVERTED', meta: { contract: 'VerifierContract', error: 'NoContradiction', args: { first: billHash(bill, place) } } });
  });

  it('opens, takes the voucher of its payer and shows it in the ledger', async () => {
    const escrow = caps.reduce((all, cap) => all + cap, 0n);
    const approve = call('approve', contracts().SumToken, encodeFunctionData({ abi: abis.SumToken, functionName: 'approve', args: [contracts().Settlement, escrow] }));
    const open = onSettlement('open', encodeFunctionData({ abi: abis.Settlement, functionName: 'openSession', args: [salt, 60n, nodes.map(({ nodeId }) => nodeId), [...caps]] }));
    await ground.send('open', [approve, open], payer);
    tree = merkleTree(bills.map((bill) => leafOf(billHash(bill, place))));
    const signature = await payer.key.signTypedData(voucherTypedData(place, { sessionId, root: tree.root }));
    await ground.send('post', [onSettlement('post', encodeFunctionData({ abi: abis.Settlement, functionName: 'post', args: [sessionId, tree.root, signature] }))]);
    expect(await ground.chain.ledger({ nodeId: nodes[0].nodeId, account: payer.address })).toMatchObject({ escrow, refundable: 0n, owner: ground.account.address });
    expect((await ground.chain.earnings({ nodeId: nodes[0].nodeId, account: payer.address, windowMs: DAY * 1000 })).sessions.map(({ role, state }) => [role, state])).toEqual([['node', 'open'], ['payer', 'open']]);
  });

  it('pays each node by its bill and path, up to its part, and gives the rest back', async () => {
    await ground.chain.travel(DAY + 120);
    await ground.send('claim', [claimOf(0)]);
    await ground.send('claim', [claimOf(1)]);
    const left = await ground.chain.client.readContract({ address: contracts().Settlement, abi: abis.Settlement, functionName: 'leftOf', args: [sessionId] });
    const ledger = await ground.chain.ledger({ nodeId: nodes[0].nodeId, account: payer.address });
    expect(ledger).toMatchObject({ escrow: left, refundable: parseEther('60') });
    const before = ledger.liquid;
    await ground.send('refund', [onSettlement('refund', encodeFunctionData({ abi: abis.Settlement, functionName: 'refund', args: [sessionId] }))], payer);
    expect(await ground.chain.ledger({ nodeId: nodes[0].nodeId, account: payer.address })).toMatchObject({ liquid: before + parseEther('60'), refundable: 0n, escrow: caps[2] });
  });

  it('lets a node be slashed for two bills of one session, once, and shows the evidence', async () => {
    const other = { ...bills[2]!, amount: parseEther('9') };
    const proof = faultProof({ first: await signed(nodes[2], bills[2]!), second: await signed(nodes[2], other) });
    const slash = call('slash', contracts().StakingContract, encodeFunctionData({ abi: abis.StakingContract, functionName: 'slash', args: [nodes[2].nodeId, proof] }));
    await ground.send('slash', [slash], payer);
    expect(await ground.chain.slashes()).toMatchObject([{ nodeId: nodes[2].nodeId, cut: parseEther('2500'), burned: parseEther('2375'), reporter: payer.address.toLowerCase(), evidence: 'contradiction', sessionIds: [sessionId] }]);
    await expect(ground.send('slash', [slash], payer)).rejects.toMatchObject({ code: 'CHAIN_REVERTED', meta: { error: 'AlreadyPunished' } });
  });

  it('rewards what was claimed, and the realised return is that over the mean stake', async () => {
    await ground.chain.travel(4 * DAY);
    const [node] = nodes;
    const distribute = call('distribute', contracts().RewardDistributor, encodeFunctionData({ abi: abis.RewardDistributor, functionName: 'distribute', args: [sessionId, 32n] }));
    await ground.send('distribute', [distribute]);
    const amount = await ground.chain.client.readContract({ address: contracts().RewardDistributor, abi: abis.RewardDistributor, functionName: 'allocationOf', args: [sessionId, node.nodeId] });
    expect(amount).toBeGreaterThan(0n);
    const reward = call('reward', contracts().StakingContract, encodeFunctionData({ abi: abis.StakingContract, functionName: 'reward', args: [node.nodeId, amount, encodeAbiParameters([{ type: 'bytes32' }], [sessionId])] }));
    await ground.send('reward', [reward]);
    const earned = await ground.chain.earnings({ nodeId: node.nodeId, account: ground.account.address, windowMs: 30 * DAY * 1000 });
    expect(earned).toMatchObject({
      settled: parseEther('38') + amount,
      sessions: [{ role: 'node', state: 'paid', nodes: 3, layers: [0, 9], tokens: 100, work: 1000n, pay: parseEther('38'), reward: amount }],
      byNode: [{ nodeId: nodes[1].nodeId, pay: parseEther('47.5'), work: 1000n }, { nodeId: node.nodeId, pay: parseEther('38'), reward: amount }],
    });
    const { windowMs, value } = earned.realisedApr!;
    expect(windowMs).toBeGreaterThan(5 * DAY * 1000);
    expect(value).toBeCloseTo((Number(earned.settled) / Number(parseEther('5000'))) * ((365 * DAY * 1000) / windowMs), 6);
    expect(await ground.chain.ledger({ nodeId: node.nodeId, account: ground.account.address })).toMatchObject({ rewards: amount, isActive: true });
  });
});
