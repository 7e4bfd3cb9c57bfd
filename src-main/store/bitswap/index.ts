export { Bitswap } from './bitswap.ts';
export type { BitswapSource } from './bitswap-source.ts';
export { bitswapErrors } from './errors.ts';
export { decodeMessage as decodeBitswapMessage, encodeBlock as encodeBitswapBlock, encodePresences as encodeBitswapPresences, encodeWants as encodeBitswapWants, type BitswapMessage, type Want as BitswapWant } from './message.ts';
export { BITSWAP_LIMITS, BITSWAP_PROTOCOL } from './options.ts';
export type { BitswapInit, ShardDirectory } from './ports.ts';
