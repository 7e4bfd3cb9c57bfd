import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { concatHex, getContractAddress, keccak256, pad, parseGwei, toFunctionSelector, toHex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { z } from 'zod';
import type { RpcCall } from '../client/json-rpc.ts';
import { EMBEDDED_CHAIN_ID } from '../config.ts';
import { chainErrors } from '../errors.ts';
import type { ContractAddresses, Hex } from '../types.ts';

const NAMES = ['SumToken', 'NodeRegistry', 'StakingContract', 'Settlement', 'Committee', 'VerifierContract', 'RewardDistributor', 'ModelRegistry'] as const;
const name = z.enum(NAMES);
const word = z.string().regex(/^[$@]\w+$/);
const stepSchema = z.discriminatedUnion('step', [
  z.object({ step: z.literal('deploy'), name, by: word, args: z.array(word) }),
  z.object({ step: z.literal('read'), name, on: word, signature: z.string() }),
  z.object({ step: z.literal('call'), on: word, by: word, signature: z.string(), args: z.array(word) }),
]);
type Step = z.infer<typeof stepSchema>;
const code = z.string().regex(/^0x[0-9a-f]+$/).transform((text) => text as Hex);

/** Gas of each step, more than any takes. */
const STEP_GAS = 8_000_000n;
const SUPPLY = 600_000_000n * 10n ** 18n;

export interface Deployer {
  request(call: RpcCall): Promise<unknown>;
  /** Deploys and administers. */
  readonly maker: PrivateKeyAccount;
  /** Gets the whole supply. */
  readonly holder: Hex;
}

/** What is deployed, and how: contracts/deployment.json and the compiled code, as `node scripts/contracts.mjs abi` put them into `folder`. */
export interface Deployment {
  readonly steps: readonly Step[];
  readonly code: Readonly<Record<string, Hex>>;
}

export async function readDeployment(folder: string): Promise<Deployment> {
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(folder, file), 'utf8'));
  try {
    return { steps: z.array(stepSchema).parse(await read('deployment.json')), code: z.record(z.string(), code).parse(await read('code.json')) };
  } catch (error) {
    throw chainErrors.noAnvil({ reason: `the contracts in ${folder} cannot be read` }, error);
  }
}

/** All steps in order, each in a block of its own. */
export async function deployContracts({ steps, code: codes }: Deployment, deployer: Deployer): Promise<ContractAddresses> {
  const { maker, holder, request } = deployer;
  const values = new Map<string, Hex>([['$deployer', maker.address], ['$admin', maker.address], ['$holder', holder], ['$supply', toHex(SUPPLY)]]);
  const valueOf = (key: string): Hex => values.get(key) ?? fail(`${key} is not known`);
  const argsOf = (keys: readonly string[]): Hex[] => keys.map((key) => pad(valueOf(key), { size: 32 }));
  // Not zero after a start that was cut off: what it left stays unused.
  let nonce = Number(await request({ method: 'eth_getTransactionCount', params: [maker.address, 'latest'] }));
  for (const step of steps) {
    if (step.step === 'read') {
      const answer = await request({ method: 'eth_call', params: [{ to: valueOf(step.on), data: toFunctionSelector(`function ${step.signature}`) }, 'latest'] });
      values.set(`@${step.name}`, `0x${String(answer).slice(-40)}`);
      continue;
    }
    if (step.step === 'deploy') values.set(`@${step.name}`, getContractAddress({ from: maker.address, nonce: BigInt(nonce) }));
    const start = step.step === 'deploy' ? codes[step.name] ?? fail(`there is no code of ${step.name}`) : toFunctionSelector(`function ${step.signature}`);
    const to = step.step === 'deploy' ? {} : { to: valueOf(step.on) };
    await send(deployer, { ...to, data: concatHex([start, ...argsOf(step.args)]), nonce: nonce++ });
  }
  return Object.fromEntries(NAMES.map((key) => [key, valueOf(`@${key}`)])) as ContractAddresses;
}

async function send({ request, maker }: Deployer, transaction: { readonly to?: Hex; readonly data: Hex; readonly nonce: number }): Promise<void> {
  const raw = await maker.signTransaction({ ...transaction, type: 'eip1559', chainId: EMBEDDED_CHAIN_ID, gas: STEP_GAS, maxFeePerGas: parseGwei('10'), maxPriorityFeePerGas: 1n });
  await request({ method: 'eth_sendRawTransaction', params: [raw] });
  const receipt = z.object({ status: z.string() }).parse(await request({ method: 'eth_getTransactionReceipt', params: [keccak256(raw)] }));
  if (receipt.status !== '0x1') fail(`step ${transaction.nonce} reverted`);
}

const fail = (reason: string): never => {
  throw chainErrors.noAnvil({ reason: `the contracts cannot be deployed: ${reason}` });
};
