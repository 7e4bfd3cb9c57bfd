export { listKeys, makeKey, removeKey, type KeyRequest, type MadeKey } from './key-file.ts';
export { KeyRing } from './key-ring.ts';
export { KEY_LIMITS, SCOPES, type KeyInfo, type Scope } from './schema.ts';
