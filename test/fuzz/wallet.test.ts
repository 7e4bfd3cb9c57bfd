import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NETWORK, PASSWORD, walletGround, type WalletGround } from '../support/wallet-ground.ts';
import { casesOf } from './cases.ts';

const CALLS = casesOf(1_500);
const SEED = 2_718;

let ground: WalletGround;
beforeAll(async () => {
  ground = await walletGround();
  await ground.wallet.create(PASSWORD);
  ground.chain.answers = { eth_blockNumber: '0x100' };
  // Nobody approves anything.
  ground.consents.events.on('changed', ([first]) => { if (first !== undefined) queueMicrotask(() => ground.consents.refuse(first.id)); });
});
afterAll(() => ground.stop());

const METHODS = [
  'eth_accounts', 'eth_requestAccounts', 'eth_chainId', 'net_version', 'eth_blockNumber', 'eth_call', 'eth_getBalance', 'eth_getCode', 'eth_getTransactionByHash', 'eth_getTransactionReceipt', 'eth_getBlockByNumber', 'eth_getLogs', 'eth_estimateGas', 'eth_gasPrice',
  'eth_maxPriorityFeePerGas', 'eth_feeHistory', 'eth_sendTransaction', 'personal_sign', 'eth_signTypedData_v4', 'wallet_sendCalls', 'wallet_getCallsStatus', 'wallet_getCapabilities', 'wallet_switchEthereumChain', 'wallet_requestPermissions', 'wallet_getPermissions',
  'eth_sign', 'eth_sendRawTransaction', 'anvil_setBalance', 'evm_mine', '__proto__', 'constructor',
];

const address = fc.oneof(fc.constantFrom(...Object.values(NETWORK.contracts), 'own'), fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 40, maxLength: 40 }).map((hex) => `0x${hex}`));
const data = fc.uint8Array({ maxLength: 140 }).map((bytes) => `0x${Buffer.from(bytes).toString('hex')}`);
const quantity = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 256n }).map((value) => `0x${value.toString(16)}`), fc.constantFrom('0x7a69', '0x0', 'latest', '0x'));
const transaction = fc.record({ from: address, to: address, data, value: quantity, chainId: quantity, gas: quantity }, { requiredKeys: ['to'] });
const batch = fc.record({ version: fc.constant('2.0.0'), id: fc.string({ maxLength: 140 }), from: fc.constant('own'), chainId: fc.constant('0x7a69'), atomicRequired: fc.boolean(), calls: fc.array(transaction, { maxLength: 10 }), capabilities: fc.object({ maxDepth: 1 }) }, { requiredKeys: ['chainId', 'calls'] });
const name = fc.constantFrom('M', 'N', 'a', 'b', 'value', '__proto__', 'Permit', 'EIP712Domain', 'constructor', 'verifyingContract');
const type = fc.constantFrom('uint256', 'uint8', 'int16', 'address', 'bytes', 'bytes32', 'bytes4', 'string', 'bool', 'M', 'N', 'uint256[]', 'N[]', 'N[2][]', 'function', '__proto__');
const fields = fc.array(fc.record({ name, type }), { maxLength: 4 });
const typed = fc.record({
  types: fc.dictionary(name, fields, { maxKeys: 4 }), primaryType: name, message: fc.oneof(fc.dictionary(name, fc.jsonValue()), fc.object()),
  domain: fc.record({ name: fc.string(), version: fc.string(), chainId: fc.oneof(fc.constant(31_337), fc.jsonValue()), verifyingContract: address, salt: data }, { requiredKeys: [] }),
});
const param = fc.oneof(address, data, quantity, transaction, batch, typed, typed.map((value) => JSON.stringify(value)), fc.jsonValue(), fc.boolean(), fc.constantFrom('own', null, undefined));
/** Often nearly right: what is refused at its shape finds little. */
const fitting = { domain: { chainId: 31_337, verifyingContract: NETWORK.contracts.Settlement }, primaryType: 'M' };
const value = fc.oneof(fc.nat(), fc.boolean(), fc.string({ unit: 'binary' }), data, address, fc.array(fc.nat(), { maxLength: 3 }), fc.record({ a: fc.jsonValue(), b: fc.nat() }));
const likely = fc.tuple(type, value).map(([of, a]) => ({ ...fitting, types: { M: [{ name: 'a', type: of }], N: [{ name: 'b', type: 'uint8' }] }, message: { a } }));
const call = fc.oneof(
  fc.record({ method: fc.constantFrom(...METHODS), params: fc.array(param, { maxLength: 4 }) }),
  fc.record({ method: fc.constant('personal_sign'), params: fc.tuple(fc.oneof(data, fc.string({ unit: 'binary' })), fc.constant('own')) }),
  fc.record({ method: fc.constant('eth_signTypedData_v4'), params: fc.tuple(fc.constant('own'), fc.oneof(typed, likely)) }),
  fc.record({ method: fc.constant('wallet_sendCalls'), params: fc.tuple(batch) }),
  fc.record({ method: fc.constant('eth_sendTransaction'), params: fc.tuple(transaction) }),
);

const withOwn = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null).replaceAll('"own"', `"${ground.wallet.address}"`)) as unknown;

it('answers whatever it is asked, from its list alone, and gives no signature that nobody approved', async () => {
  const signing = new Set(['eth_sendTransaction', 'personal_sign', 'eth_signTypedData_v4', 'wallet_sendCalls']);
  let asked = 0;
  ground.consents.events.on('changed', (waiting) => { asked += waiting.length; });
  for (const { method, params } of fc.sample(call, { numRuns: CALLS, seed: SEED })) {
    const own = withOwn(params) as readonly unknown[];
    const answer = await ground.provider.answer({ method, params: own });
    const said = JSON.stringify({ method, params: own, answer });
    if ('error' in answer) expect([said, Number.isInteger(answer.error.code), answer.error.code === -32603]).toEqual([said, true, false]);
    else expect([said, signing.has(method), METHODS.indexOf(method) < METHODS.indexOf('eth_sign')]).toEqual([said, false, true]);
  }
  expect([ground.outbox.batches.size, ground.consents.waiting().length]).toEqual([0, 0]);
  // The cases are of use: some came as far as the owner.
  expect(asked).toBeGreaterThan(50);
  expect(ground.chain.asked.every(({ method }) => METHODS.slice(0, METHODS.indexOf('eth_sign')).includes(method))).toBe(true);
});
