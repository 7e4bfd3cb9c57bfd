import { z } from 'zod';
import type { ChainConfig } from '../../chain/index.ts';

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/).transform((text) => text as `0x${string}`);
const rpcUrl = z.url({ protocol: /^https?$/ }).max(500);
/** As wallets take them: encrypted, unless it is this machine. */
const publicRpcUrl = rpcUrl.refine((url) => /^https:|^http:\/\/(?:127\.0\.0\.1|localhost)(?:[:/]|$)/.test(url), 'is neither https nor of this machine');

const contractsSchema = z.strictObject({
  SumToken: address, NodeRegistry: address, StakingContract: address, Settlement: address, Committee: address, VerifierContract: address, RewardDistributor: address, ModelRegistry: address,
});

/** As it is written in the configuration. Apart from the chain itself: every process of ours reads the configuration, and few have to do with a chain. */
export const chainConfigSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('embedded'),
    /** Where other programs of this machine reach it by JSON-RPC (0: any free port); nowhere when absent. */
    rpcPort: z.number().int().min(0).max(65_535).exactOptional(),
  }),
  z.strictObject({
    kind: z.literal('configured'),
    chainId: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
    name: z.string().min(1).max(100),
    /** The first that answers is used. */
    rpcUrls: z.array(rpcUrl).min(1).max(8),
    /** Told to wallets of the owner's browser, so that they can add this chain: no address with a key in it. */
    publicRpcUrls: z.array(publicRpcUrl).min(1).max(8).exactOptional(),
    contracts: contractsSchema,
    /** Blocks on top of one until it is taken for lasting. */
    confirmations: z.number().int().min(0).max(1_000).default(3),
    /** The block of the deployment: events are read from here on. */
    fromBlock: z.number().int().min(0).default(0),
  }),
]) satisfies z.ZodType<ChainConfig>;
