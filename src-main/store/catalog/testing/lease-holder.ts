import { Catalog } from '../catalog.ts';

/** Takes a lease and lives on, until it is killed. */
const [path = ''] = process.argv.slice(2);
const catalog = new Catalog(path);
catalog.leases.take('x');
process.send?.('held');
process.on('message', () => undefined);
