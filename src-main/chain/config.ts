import type { ContractAddresses } from './types.ts';

/** SUM's embedded chain: "SUM" in ASCII. No public chain has it. */
export const EMBEDDED_CHAIN_ID = 0x53_55_4d;

/** Which chain holds SUM. `embedded`: a test chain of one's own that the app runs, where SUM is worth nothing. */
export type ChainConfig =
  | {
    readonly kind: 'embedded';
    /** Where other programs of this machine reach it by JSON-RPC (0: any free port); nowhere when absent. */
    readonly rpcPort?: number;
  }
  | {
    readonly kind: 'configured';
    readonly chainId: number;
    readonly name: string;
    /** The first that answers is used. */
    readonly rpcUrls: readonly string[];
    /** Addresses without a secret in them, which may be told to wallets of the owner's browser. */
    readonly publicRpcUrls?: readonly string[];
    readonly contracts: ContractAddresses;
    /** Blocks on top of one until it is taken for lasting. */
    readonly confirmations: number;
    /** The block of the deployment: events are read from here on. */
    readonly fromBlock: number;
  };
