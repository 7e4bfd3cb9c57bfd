import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { unpackedPath } from '../../base/index.ts';
import { chainErrors } from '../errors.ts';

/** As their packages name systems and architectures: the program itself, without the script that would run it in a process more. Throws CHAIN_NO_ANVIL. */
export function anvilPath(require = createRequire(import.meta.url)): string {
  const name = `@foundry-rs/anvil-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const program = process.platform === 'win32' ? 'anvil.exe' : 'anvil';
  try {
    const path = unpackedPath(join(dirname(require.resolve(`${name}/package.json`)), 'bin', program));
    if (existsSync(path)) return path;
  } catch (error) {
    throw chainErrors.noAnvil({ reason: `${name} is not installed` }, error);
  }
  throw chainErrors.noAnvil({ reason: `${name} holds no ${program}` });
}
