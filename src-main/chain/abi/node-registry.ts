// Made by `node scripts/contracts.mjs abi`.
export const nodeRegistryAbi = [
  { type: 'constructor', inputs: [{ name: 'stakes', type: 'address' }], stateMutability: 'nonpayable' },
  { type: 'function', name: 'DOMAIN', inputs: [], outputs: [{ name: '', type: 'bytes' }], stateMutability: 'view' },
  { type: 'function', name: 'bind', inputs: [{ name: 'nodeId', type: 'bytes32' }, { name: 'r', type: 'bytes32' }, { name: 's', type: 'bytes32' }], outputs: [], stateMutability: 'nonpayable' },
  { type: 'function', name: 'bindingMessage', inputs: [{ name: 'nodeId', type: 'bytes32' }, { name: 'owner', type: 'address' }], outputs: [{ name: '', type: 'bytes' }], stateMutability: 'view' },
  { type: 'function', name: 'nonceOf', inputs: [{ name: 'nodeId', type: 'bytes32' }], outputs: [{ name: '', type: 'uint256' }], stateMutability: 'view' },
  { type: 'function', name: 'ownerOf', inputs: [{ name: 'nodeId', type: 'bytes32' }], outputs: [{ name: '', type: 'address' }], stateMutability: 'view' },
  { type: 'function', name: 'unbind', inputs: [{ name: 'nodeId', type: 'bytes32' }], outputs: [], stateMutability: 'nonpayable' },
  { type: 'event', name: 'NodeBound', inputs: [{ name: 'nodeId', type: 'bytes32', indexed: true }, { name: 'owner', type: 'address', indexed: true }], anonymous: false },
  { type: 'event', name: 'NodeReleased', inputs: [{ name: 'nodeId', type: 'bytes32', indexed: true }, { name: 'owner', type: 'address', indexed: true }], anonymous: false },
  { type: 'error', name: 'AlreadyBound', inputs: [{ name: 'nodeId', type: 'bytes32' }, { name: 'owner', type: 'address' }] },
  { type: 'error', name: 'BadSignature', inputs: [{ name: 'nodeId', type: 'bytes32' }] },
  { type: 'error', name: 'NotOwner', inputs: [{ name: 'nodeId', type: 'bytes32' }, { name: 'account', type: 'address' }] },
  { type: 'error', name: 'StakeRemains', inputs: [{ name: 'nodeId', type: 'bytes32' }, { name: 'amount', type: 'uint256' }] },
] as const;
