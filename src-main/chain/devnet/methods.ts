/** What may be asked of the embedded chain: nothing signs there, nothing moves its time, nobody is impersonated. */
const OPEN: ReadonlySet<string> = new Set([
  'eth_blockNumber', 'eth_call', 'eth_chainId', 'eth_createAccessList', 'eth_estimateGas', 'eth_feeHistory', 'eth_gasPrice', 'eth_getBalance', 'eth_getBlockByHash', 'eth_getBlockByNumber',
  'eth_getBlockReceipts', 'eth_getBlockTransactionCountByHash', 'eth_getBlockTransactionCountByNumber', 'eth_getCode', 'eth_getLogs', 'eth_getProof', 'eth_getStorageAt',
  'eth_getTransactionByBlockHashAndIndex', 'eth_getTransactionByBlockNumberAndIndex', 'eth_getTransactionByHash', 'eth_getTransactionCount', 'eth_getTransactionReceipt',
  'eth_maxPriorityFeePerGas', 'eth_sendRawTransaction', 'eth_simulateV1', 'eth_syncing', 'net_version', 'web3_clientVersion',
]);

export const isOpenMethod = (method: string): boolean => OPEN.has(method);
