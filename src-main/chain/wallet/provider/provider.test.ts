import { encodeFunctionData, maxUint256, parseEther, recoverMessageAddress, recoverTypedDataAddress, stringToHex, type Abi } from 'viem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMITTEE_ABI, NETWORK, PASSWORD, SETTLEMENT_ABI, STAKING_ABI, TOKEN_ABI, walletGround, type WalletGround } from '../../../../test/support/wallet-ground.ts';
import { CodedError } from '../../../base/index.ts';
import { faultProof } from '../../settle/index.ts';
import type { Hex } from '../../types.ts';
import type { BatchSubject, Subject, TypedSubject } from '../types.ts';

const { SumToken, StakingContract, Settlement, Committee } = NETWORK.contracts;
const STRANGER: Hex = `0x${'de'.repeat(20)}`;
const NODE: Hex = `0x${'9'.repeat(64)}`;
let ground: WalletGround;
let own: Hex;
beforeEach(async () => {
  ground = await walletGround();
  await ground.wallet.create(PASSWORD);
  own = ground.wallet.address;
});
afterEach(() => ground.stop());

const ask = (method: string, ...params: readonly unknown[]) => ground.provider.answer({ method, params });
const codeOf = async (method: string, ...params: readonly unknown[]): Promise<unknown> => {
  const answer = await ask(method, ...params);
  return 'error' in answer ? answer.error.code : answer.result;
};
/** What is shown; then it is approved or refused. */
const shown = async (isApproved: boolean): Promise<Subject> => {
  if (ground.consents.waiting().length === 0) await ground.consents.events.once('changed');
  const { id, digest, subject } = ground.consents.current();
  await ground.consents.decide({ id, digest, isApproved, ...(isApproved ? { password: PASSWORD } : {}) });
  return subject;
};
const calls = (...all: readonly object[]) => ({ version: '2.0.0', chainId: '0x7a69', from: own, atomicRequired: false, calls: all });
const token = (functionName: 'transfer' | 'approve' | 'burn', ...args: readonly unknown[]) => ({ to: SumToken, data: encodeFunctionData<Abi>({ abi: TOKEN_ABI, functionName, args }) });
const stake = (amount: bigint) => ({ to: StakingContract, data: encodeFunctionData({ abi: STAKING_ABI, functionName: 'stake', args: [NODE, amount] }) });
const subjectOf = async (...all: readonly object[]): Promise<BatchSubject> => {
  const answer = ask('wallet_sendCalls', calls(...all));
  const subject = await shown(false);
  expect(await answer).toMatchObject({ error: { code: 4001, data: { code: 'WALLET_REFUSED' } } });
  return subject as BatchSubject;
};

describe('methods', () => {
  it('are those of a list: whatever signs blindly, sends what was signed elsewhere, or plays with a test chain is refused', async () => {
    for (const method of [
      'eth_sign', 'eth_signTransaction', 'eth_sendRawTransaction', 'eth_signTypedData', 'eth_signTypedData_v1', 'eth_signTypedData_v3', 'evm_increaseTime', 'evm_mine', 'evm_setNextBlockTimestamp', 'anvil_setBalance', 'anvil_impersonateAccount',
      'hardhat_impersonateAccount', 'hardhat_setBalance', 'wallet_addEthereumChain', 'wallet_watchAsset', 'personal_unlockAccount', 'personal_importRawKey', 'eth_getTransactionCount', 'debug_traceTransaction', 'admin_peers', 'eth_newFilter', 'eth_subscribe',
      'eth_getStorageAt', 'eth_getProof', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'ETH_ACCOUNTS',
    ]) expect([method, await codeOf(method)]).toEqual([method, 4200]);
    expect(ground.chain.asked).toEqual([]);
  });

  it('tell account and chain, and let nothing be switched', async () => {
    expect(await codeOf('eth_accounts')).toEqual([own]);
    expect(await codeOf('eth_requestAccounts')).toEqual([own]);
    expect([await codeOf('eth_chainId'), await codeOf('net_version')]).toEqual(['0x7a69', '31337']);
    expect(await ask('wallet_switchEthereumChain', { chainId: '0x7a69' })).toEqual({ result: null });
    expect(await codeOf('wallet_switchEthereumChain', { chainId: '0x1' })).toBe(4902);
    expect(await codeOf('wallet_getCapabilities', own, ['0x7a69'])).toEqual({ '0x7a69': { atomic: { status: 'unsupported' } } });
    expect(await codeOf('wallet_requestPermissions', { eth_accounts: {} })).toMatchObject([{ parentCapability: 'eth_accounts' }]);
    const empty = await walletGround();
    expect([await empty.provider.answer({ method: 'eth_accounts' }), await empty.provider.answer({ method: 'eth_requestAccounts' })]).toMatchObject([{ result: [] }, { error: { code: 4100 } }]);
    await empty.stop();
  });

  it('read the chain with checked parameters and within bounds', async () => {
    ground.chain.answers = { eth_blockNumber: '0x5000', eth_call: '0x01', eth_getLogs: [] };
    expect(await codeOf('eth_call', { to: SumToken, data: '0x12' })).toBe('0x01');
    expect(ground.chain.asked.at(-1)).toEqual({ method: 'eth_call', params: [{ to: SumToken, data: '0x12' }, 'latest'] });
    expect(await codeOf('eth_getBalance', own, 'latest')).toBeNull();
    for (const [method, ...params] of [
      ['eth_call', { to: 'nowhere' }], ['eth_call', { to: SumToken }, 'latest', { [SumToken]: { code: '0x' } }], ['eth_getBalance'], ['eth_getBalance', own, 'yesterday'], ['eth_getBlockByNumber', -1], ['eth_getTransactionReceipt', '0x12'],
      ['eth_feeHistory', '0xffff', 'latest', []], ['eth_getLogs', { address: 'x' }], ['eth_getLogs', { blockHash: NODE, fromBlock: '0x1' }], ['eth_blockNumber', 1],
    ] as const) expect([method, params, await codeOf(method, ...params)]).toEqual([method, params, -32602]);
    expect([await codeOf('eth_getLogs', { fromBlock: '0x0', toBlock: 'latest' }), await codeOf('eth_getLogs', { fromBlock: 'earliest', toBlock: '0x100' })]).toEqual([-32005, []]);
    ground.chain.answers = { eth_getBlockByNumber: 'x'.repeat(800_000) };
    expect(await codeOf('eth_getBlockByNumber', 'latest', true)).toBe(-32005);
  });

  it('pass on what the chain\'s node says, and say when there is none', async () => {
    const revert = Object.assign(new Error('execution reverted'), { code: 3, data: '0x1234' });
    ground.chain.answers = { eth_call: new CodedError({ code: 'CHAIN_REVERTED', message: 'no', cause: new Error('outer', { cause: revert }) }), eth_getBalance: Object.assign(new Error('header not found\nwith more'), { code: -32000 }), eth_gasPrice: new Error('secret inside') };
    expect(await ask('eth_call', { to: SumToken })).toEqual({ error: { code: 3, message: 'execution reverted', data: '0x1234' } });
    expect(await ask('eth_getBalance', own)).toEqual({ error: { code: -32000, message: 'header not found' } });
    expect(await ask('eth_gasPrice')).toEqual({ error: { code: -32603, message: 'something went wrong inside the node' } });
    ground.chain.answers = { eth_gasPrice: new CodedError({ code: 'CHAIN_DOWN', message: 'away' }) };
    expect(await codeOf('eth_gasPrice')).toBe(4900);
    ground.chain.network = undefined;
    expect([await codeOf('eth_chainId'), await codeOf('eth_blockNumber'), await codeOf('personal_sign', '0x61', own)]).toEqual([4900, 4900, 4900]);
  });
});

describe('what is sent', () => {
  it('is shown decoded, counts approval and stake once, and goes to the outbox when approved', async () => {
    const amount = parseEther('250');
    const answer = ask('wallet_sendCalls', { ...calls(token('approve', StakingContract, amount), stake(amount)), id: 'mine' });
    const subject = (await shown(true)) as BatchSubject;
    expect(subject).toMatchObject({ spends: amount, warnings: [], sessions: [], calls: [{ contract: 'SumToken', name: 'approve' }, { contract: 'StakingContract', name: 'stake' }] });
    expect(subject.calls[0]?.rows).toEqual([{ name: 'spender', type: 'address', value: expect.stringMatching(/^0x3{40}$/), note: { kind: 'contract', name: 'StakingContract' } }, { name: 'value', type: 'uint256', value: String(amount), note: { kind: 'sum', amount: '250' } }]);
    expect(await answer).toEqual({ result: { id: 'mine' } });
    expect(ground.outbox.batches.get('mine')?.batch).toMatchObject({ what: 'stake', from: own, maxFeeWei: 10n ** 15n, calls: [{ what: 'approve' }, { what: 'stake' }] });
    expect(await codeOf('wallet_sendCalls', { ...calls(stake(1n)), id: 'mine' })).toBe(5720);
    expect(await codeOf('wallet_getCallsStatus', 'mine')).toMatchObject({ id: 'mine', chainId: '0x7a69', status: 100, atomic: false });
    const receipt = { status: '0x1', blockHash: NODE, blockNumber: '0x1', gasUsed: '0x1', transactionHash: NODE, logs: [] };
    ground.chain.answers = { eth_getTransactionReceipt: receipt };
    for (const [status, number] of [['confirmed', 200], ['failed', 600]] as const) {
      ground.outbox.standing.set('mine', { status, hashes: [NODE] });
      expect(await codeOf('wallet_getCallsStatus', 'mine')).toMatchObject({ status: number, receipts: [receipt] });
    }
    expect(await codeOf('wallet_getCallsStatus', 'other')).toBe(5730);
  });

  it('counts the bond of a case that is opened, and says in words what bytes are about', async () => {
    const openCase = (evidence: Hex) => ({ to: Committee, data: encodeFunctionData({ abi: COMMITTEE_ABI, functionName: 'openCase', args: [NODE, NODE, evidence] }) });
    const noteOf = async (...all: readonly object[]) => (await subjectOf(...all)).calls[0]?.rows.at(-1)?.note;
    const bond = parseEther('200');
    expect([(await subjectOf(openCase('0x'))).spends, (await subjectOf(token('approve', Committee, bond), openCase('0x'))).spends]).toEqual([bond, bond]);
    expect(await noteOf(openCase(stringToHex('lie\u202eeil')))).toEqual({ kind: 'text', text: 'lie\\u{202e}eil' });
    expect(await noteOf(openCase('0xff'))).toBeUndefined();
    const slash = (proof: Hex) => ({ to: StakingContract, data: encodeFunctionData({ abi: STAKING_ABI, functionName: 'slash', args: [NODE, proof] }) });
    expect([await noteOf(slash(faultProof({ ruledSessionId: NODE }))), await noteOf(slash('0x12'))]).toEqual([{ kind: 'fault', evidence: 'ruling', sessionIds: [NODE] }, { kind: 'fault', evidence: 'unknown', sessionIds: [] }]);
  });

  it('over eth_sendTransaction gives the hash', async () => {
    const answer = codeOf('eth_sendTransaction', { from: own, ...token('transfer', STRANGER, 5n), gas: '0x5208', maxFeePerGas: '0x1', nonce: '0x0' });
    expect((await shown(true)) as BatchSubject).toMatchObject({ spends: 5n, warnings: [] });
    expect(await answer).toMatch(/^0x(ab){32}$/);
  });

  it('warns of what it cannot read, of approvals that give all away, of coins, and of what would fail', async () => {
    expect(await subjectOf({ to: STRANGER, data: '0x12345678' })).toMatchObject({ warnings: ['unknown-call'] });
    expect(await subjectOf({ to: SumToken, data: '0xffffffff' })).toMatchObject({ warnings: ['unknown-call'] });
    expect(await subjectOf({ to: STRANGER, value: '0x1' })).toMatchObject({ warnings: ['sends-coins'], spends: 0n });
    expect(await subjectOf(token('approve', STRANGER, maxUint256))).toMatchObject({ warnings: ['unlimited-approval', 'stranger-approval'], spends: 10n ** 27n });
    expect(await subjectOf(token('burn', 7n), token('transfer', STRANGER, 8n), stake(3n))).toMatchObject({ warnings: [], spends: 18n });
    ground.chain.simulate = () => Promise.resolve({ outcome: 'reverts', reason: 'NotEnough\u202e(1)', maxFeeWei: 1n });
    expect(await subjectOf(stake(1n))).toMatchObject({ warnings: ['reverts'], simulation: { reason: 'NotEnough\\u{202e}(1)' } });
  });

  it('that opens a paid session lets vouchers of it be signed, and of no other', async () => {
    const salt: Hex = `0x${'07'.repeat(32)}`;
    const answer = ask('wallet_sendCalls', calls({ to: Settlement, data: encodeFunctionData({ abi: SETTLEMENT_ABI, functionName: 'openSession', args: [salt, 60n, [NODE], [parseEther('3')]] }) }));
    const { sessions, spends } = (await shown(true)) as BatchSubject;
    expect([sessions.length, spends, await answer]).toMatchObject([1, parseEther('3'), { result: {} }]);
    expect(await ground.wallet.signVoucher({ sessionId: sessions[0]!.sessionId, root: NODE })).toMatch(/^0x[0-9a-f]{130}$/);
    await expect(ground.wallet.signVoucher({ sessionId: NODE, root: NODE })).rejects.toMatchObject({ code: 'WALLET_NOT_CONSENTED' });
  });

  it('is refused before anybody is asked where it cannot be', async () => {
    const other = (change: object) => codeOf('wallet_sendCalls', { ...calls(stake(1n)), ...change });
    expect(await other({ chainId: '0x1' })).toBe(4902);
    expect(await other({ from: STRANGER })).toBe(4100);
    expect(await other({ atomicRequired: true })).toBe(5760);
    expect(await other({ capabilities: { paymasterService: { url: 'https://example.org' } } })).toBe(5700);
    expect(await other({ calls: Array.from({ length: 9 }, () => stake(1n)) })).toBe(-32005);
    expect(await other({ calls: [] })).toBe(-32602);
    expect(await other({ calls: [{ data: '0x12' }] })).toBe(-32602);
    expect(await codeOf('eth_sendTransaction', { from: own, data: '0x6000' })).toBe(-32602);
    expect(await codeOf('eth_sendTransaction', { from: own, to: SumToken, data: '0x12', input: '0x13' })).toBe(-32602);
    expect(ground.consents.waiting()).toEqual([]);
  });
});

describe('what is signed', () => {
  const domain = { name: 'OmniNode Settlement', version: '1', chainId: NETWORK.chainId, verifyingContract: Settlement };
  const voucher = { domain, types: { Voucher: [{ name: 'sessionId', type: 'bytes32' }, { name: 'root', type: 'bytes32' }] }, primaryType: 'Voucher', message: { sessionId: NODE, root: NODE } } as const;
  const typedSubject = async (typed: object): Promise<TypedSubject> => {
    const answer = ask('eth_signTypedData_v4', own, JSON.stringify(typed));
    const subject = (await shown(false)) as TypedSubject;
    await answer;
    return subject;
  };

  it('as a message is shown as text, and with a warning where it is none', async () => {
    const answer = codeOf('personal_sign', '0x68656c6c6f', own);
    expect(await shown(true)).toMatchObject({ kind: 'message', text: 'hello', warnings: [] });
    expect(await recoverMessageAddress({ message: 'hello', signature: (await answer) as Hex })).toBe(own);
    for (const bytes of [NODE, '0x', '0x61e280ae62', '0xff', '0x6100']) {
      const signing = ask('personal_sign', bytes, own);
      expect([bytes, await shown(false)]).toMatchObject([bytes, { warnings: ['unreadable-message'] }]);
      await signing;
    }
    expect([await codeOf('personal_sign', '0x61', STRANGER), await codeOf('personal_sign', `0x${'61'.repeat(20_000)}`, own)]).toEqual([4100, -32602]);
  });

  it('as typed data is shown decoded; a voucher of ours as such', async () => {
    const answer = codeOf('eth_signTypedData_v4', own, JSON.stringify(voucher));
    expect(await shown(true)).toMatchObject({ kind: 'typed', isVoucher: true, warnings: [], spends: 0n });
    expect(await recoverTypedDataAddress({ ...voucher, signature: (await answer) as Hex })).toBe(own);
    for (const changed of [{ chainId: 1 }, { verifyingContract: STRANGER }, { version: '2' }]) expect((await typedSubject({ ...voucher, domain: { ...domain, ...changed } })).isVoucher).toBe(false);
    expect((await typedSubject({ ...voucher, domain: { ...domain, chainId: 1 } })).warnings).toEqual(['other-chain']);
    expect((await typedSubject({ ...voucher, domain: { name: 'x' } })).warnings).toEqual(['other-chain', 'unknown-domain']);
  });

  it('as a permit of SUM counts as spent, and always needs the password', async () => {
    const types = { Permit: ['owner:address', 'spender:address', 'value:uint256', 'nonce:uint256', 'deadline:uint256'].map((field) => ({ name: field.split(':')[0], type: field.split(':')[1] })) };
    const permit = { domain: { ...domain, name: 'SUM', verifyingContract: SumToken }, types, primaryType: 'Permit', message: { owner: own, spender: STRANGER, value: '1000000000000000000', nonce: 0, deadline: '0x10' } };
    const subject = await typedSubject(permit);
    expect(subject).toMatchObject({ spends: 10n ** 18n, warnings: ['permit'] });
    expect(subject.rows.map(({ name, value }) => `${name} ${value}`)).toEqual([`owner ${own}`, `spender ${STRANGER}`, 'value 1000000000000000000', 'nonce 0', 'deadline 16']);
    expect(ground.wallet.passwordNeeded(subject)).toBe('warned');
  });

  it('is exactly what is shown: nothing unnamed, nothing that does not fit its type, nothing too much to read', async () => {
    const withField = (type: string, value: unknown, more: object = {}) => ({ domain, types: { M: [{ name: 'a', type }], ...more }, primaryType: 'M', message: { a: value, hidden: 'never signed' } });
    expect((await typedSubject(withField('N[]', [{ b: 1 }, { b: 2, c: 3 }], { N: [{ name: 'b', type: 'uint8' }] }))).rows.map(({ name, value }) => `${name} ${value}`)).toEqual(['a[0].b 1', 'a[1].b 2']);
    const domainType = [{ name: 'name', type: 'string' }];
    for (const typed of [
      { ...voucher, types: { ...voucher.types, EIP712Domain: domainType } }, withField('uint256', '1.5'), withField('uint256', 1e21), withField('uint8', 999), withField('uint256', ''), withField('bool', 'false'), withField('string', 5),
      withField('address', '0x12'), withField('bytes4', '0x12'), withField('Unknown', {}), withField('uint256', undefined), withField('uint256[]', 'x'), withField('__proto__', 1), withField('M', { a: {} }), withField('uint256[][][][][]', []),
      { ...voucher, primaryType: 'EIP712Domain' }, { ...voucher, domain: { ...domain, more: 1 } }, [], 'text', null,
    ]) expect([JSON.stringify(typed), await codeOf('eth_signTypedData_v4', own, typeof typed === 'string' ? typed : JSON.stringify(typed))]).toEqual([JSON.stringify(typed), -32602]);
    expect(await codeOf('eth_signTypedData_v4', own, withField('uint256[]', Array.from({ length: 300 }, () => 1)))).toBe(-32005);
    expect(ground.consents.waiting()).toEqual([]);
  });
});
