// Packs what is built for this system: `pack.mjs ELECTRON_BINARY [--installers] [--updates URL] [--output FOLDER]`. Needs the dependencies and the bundles.
import { DIR_TARGET, Platform, build } from 'electron-builder';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageConfig } from './config.mjs';

const { values, positionals: [binary] } = parseArgs({ allowPositionals: true, options: { installers: { type: 'boolean' }, updates: { type: 'string' }, output: { type: 'string' } } });
const config = packageConfig(values.updates === undefined ? {} : { updates: values.updates });
const platform = Platform.current();
// On a Mac the folder is the one that holds Electron.app.
const electronDist = process.platform === 'darwin' ? join(dirname(binary), '..', '..', '..') : dirname(binary);

await build({
  projectDir: join(import.meta.dirname, '..', '..'),
  targets: platform.createTarget(values.installers === true ? null : DIR_TARGET),
  config: { ...config, electronDist, directories: { ...config.directories, ...(values.output === undefined ? {} : { output: values.output }) } },
  publish: 'never',
});
