import { join } from 'node:path';
import { LocalStore } from '../local-store.ts';

/** Opens a store, says whether it was this process that mended its catalogue, and ends. */
const [home = ''] = process.argv.slice(2);
let mended = false;
const store = new LocalStore({ folder: join(home, 'store'), ownFolders: [join(home, 'shards')], modelFolder: join(home, 'models'), onMended: () => { mended = true; } });
store.close();
process.send?.({ mended }, () => process.disconnect());
