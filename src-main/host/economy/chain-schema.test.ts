import { expect, it } from 'vitest';
import { chainConfigSchema } from './chain-schema.ts';

const address = `0x${'1'.repeat(40)}`;
const contracts = Object.fromEntries(['SumToken', 'NodeRegistry', 'StakingContract', 'Settlement', 'Committee', 'VerifierContract', 'RewardDistributor', 'ModelRegistry'].map((name) => [name, address]));
const withPublic = (...publicRpcUrls: readonly string[]) => chainConfigSchema.safeParse({ kind: 'configured', chainId: 10, name: 'Example chain', rpcUrls: ['https://rpc.example/key'], contracts, publicRpcUrls }).success;

it('takes addresses for wallets of the browser that are encrypted, or of this machine', () => {
  for (const url of ['https://rpc.example', 'http://127.0.0.1:8545', 'http://localhost/', 'http://localhost']) expect([url, withPublic(url)]).toEqual([url, true]);
  for (const url of ['http://rpc.example', 'http://localhost.example', 'http://127.0.0.1.example:1', 'javascript:alert(1)', 'wss://rpc.example', '']) expect([url, withPublic(url)]).toEqual([url, false]);
  expect([withPublic(), withPublic(...Array.from({ length: 9 }, () => 'https://rpc.example'))]).toEqual([false, false]);
});
