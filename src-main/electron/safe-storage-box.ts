import type { SecretBox, SecretKeeping } from '../base/index.ts';
import { electronErrors } from './errors.ts';

/** The part of Electron's safeStorage that is used. */
export interface SafeStorage {
  isEncryptionAvailable(): boolean;
  /** Only on Linux. */
  getSelectedStorageBackend?(): string;
  encryptString(text: string): Buffer;
  decryptString(sealed: Buffer): string;
}

/**
 * Seals by the system's key ring: Keychain, DPAPI, libsecret or KWallet. On Linux without a key ring Electron seals by a password that stands in
 * its source: that would only look sealed, and is refused.
 */
export function safeStorageBox(storage: SafeStorage, platform: NodeJS.Platform): SecretKeeping {
  if (platform === 'linux' && storage.getSelectedStorageBackend?.() === 'basic_text') {
    return { why: 'No key ring runs in this session (GNOME Keyring or KWallet): secrets are kept in files that only you may read.' };
  }
  if (!storage.isEncryptionAvailable()) return { why: 'The system\'s key ring is locked or missing: secrets are kept in files that only you may read.' };
  const box: SecretBox = {
    seal: (text) => storage.encryptString(text),
    open: (sealed) => {
      try {
        return storage.decryptString(Buffer.from(sealed));
      } catch (error) {
        throw electronErrors.badSeal({}, error);
      }
    },
  };
  return { box };
}
