export { ChainGround, temporaryHome } from './ground.ts';
export { newAccount, newNode, type TestAccount } from './keys.ts';
export { CONTRACTS_FOLDER, RawChain, type Fault } from './raw-chain.ts';
