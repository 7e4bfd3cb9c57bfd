// Checks the configuration of every system by electron-builder's own schema. Needs the dependencies.
import { DebugLogger } from 'builder-util';
import { validateConfiguration } from 'app-builder-lib/out/util/config/config.js';
import { packageConfig } from './config.mjs';

for (const platform of ['linux', 'darwin', 'win32']) {
  await validateConfiguration(packageConfig({ platform, updates: 'https://updates.invalid/' }), new DebugLogger(false));
}
