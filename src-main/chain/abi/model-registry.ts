// Made by `node scripts/contracts.mjs abi`.
export const modelRegistryAbi = [
  { type: 'function', name: 'MAX_CID_BYTES', inputs: [], outputs: [{ name: '', type: 'uint256' }], stateMutability: 'view' },
  { type: 'function', name: 'MAX_LAYERS', inputs: [], outputs: [{ name: '', type: 'uint256' }], stateMutability: 'view' },
  { type: 'function', name: 'modelIdOf', inputs: [{ name: 'publisher', type: 'address' }, { name: 'manifestCid', type: 'bytes' }, { name: 'layers', type: 'uint32' }, { name: 'modelHash', type: 'bytes32' }], outputs: [{ name: '', type: 'bytes32' }], stateMutability: 'pure' },
  { type: 'function', name: 'modelOf', inputs: [{ name: 'modelId', type: 'bytes32' }], outputs: [{ name: 'model', type: 'tuple', components: [{ name: 'publisher', type: 'address' }, { name: 'layers', type: 'uint32' }, { name: 'publishedAt', type: 'uint64' }, { name: 'modelHash', type: 'bytes32' }, { name: 'manifestCid', type: 'bytes' }] }], stateMutability: 'view' },
  { type: 'function', name: 'publish', inputs: [{ name: 'manifestCid', type: 'bytes' }, { name: 'layers', type: 'uint32' }, { name: 'modelHash', type: 'bytes32' }], outputs: [{ name: 'modelId', type: 'bytes32' }], stateMutability: 'nonpayable' },
  { type: 'function', name: 'publishedBy', inputs: [{ name: 'publisher', type: 'address' }, { name: 'offset', type: 'uint256' }, { name: 'count', type: 'uint256' }], outputs: [{ name: 'modelIds', type: 'bytes32[]' }], stateMutability: 'view' },
  { type: 'function', name: 'publishedCount', inputs: [{ name: 'publisher', type: 'address' }], outputs: [{ name: '', type: 'uint256' }], stateMutability: 'view' },
  { type: 'event', name: 'ModelPublished', inputs: [{ name: 'modelId', type: 'bytes32', indexed: true }, { name: 'publisher', type: 'address', indexed: true }, { name: 'modelHash', type: 'bytes32', indexed: true }, { name: 'layers', type: 'uint32', indexed: false }, { name: 'manifestCid', type: 'bytes', indexed: false }], anonymous: false },
  { type: 'error', name: 'AlreadyPublished', inputs: [{ name: 'modelId', type: 'bytes32' }] },
  { type: 'error', name: 'BadCid', inputs: [{ name: 'sizeBytes', type: 'uint256' }, { name: 'most', type: 'uint256' }] },
  { type: 'error', name: 'BadHash', inputs: [] },
  { type: 'error', name: 'BadLayers', inputs: [{ name: 'layers', type: 'uint256' }, { name: 'most', type: 'uint256' }] },
  { type: 'error', name: 'UnknownModel', inputs: [{ name: 'modelId', type: 'bytes32' }] },
] as const;
