import { expect, it } from 'vitest';
import { safeStorageBox, type SafeStorage } from './safe-storage-box.ts';

const storage = (change: Partial<SafeStorage> = {}): SafeStorage => ({
  isEncryptionAvailable: () => true,
  getSelectedStorageBackend: () => 'gnome_libsecret',
  encryptString: (text) => Buffer.from(`v11${Buffer.from(text).toString('base64')}`),
  decryptString: (sealed) => {
    if (!sealed.toString().startsWith('v11')) throw new Error('Error while decrypting the ciphertext provided to safeStorage.decryptString.');
    return Buffer.from(sealed.toString().slice(3), 'base64').toString();
  },
  ...change,
});

it.each(['linux', 'darwin', 'win32'] as const)('seals and opens by the system on %s', (platform) => {
  const { box } = safeStorageBox(storage(), platform);
  expect(box?.open(box.seal('a secret ü'))).toBe('a secret ü');
  expect(() => box?.open(Buffer.from('else'))).toThrow(expect.objectContaining({ code: 'ELECTRON_BAD_SEAL' }));
});

it('does not take for sealed what anybody can open', () => {
  expect(safeStorageBox(storage({ getSelectedStorageBackend: () => 'basic_text' }), 'linux')).toEqual({ why: expect.stringContaining('No key ring') });
  expect(safeStorageBox(storage({ isEncryptionAvailable: () => false }), 'darwin')).toEqual({ why: expect.stringContaining('locked') });
});

it('asks only Linux which key ring it is', () => {
  const { getSelectedStorageBackend: _, ...elsewhere } = storage();
  expect(safeStorageBox(elsewhere, 'win32').box).toBeDefined();
});
