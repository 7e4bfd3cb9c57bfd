import { createReadStream } from 'node:fs';
import { unixfs } from '@helia/unixfs';
import { addressesOf, startHelia } from '../../support/helia-node.ts';

// A stock Helia that has one file, cut as its own `add` cuts (1 MiB, SHA-256), in its own blockstore, which is in memory.
const { path } = JSON.parse(process.argv[2] ?? '{}') as { readonly path: string };
const helia = await startHelia();
const cid = await unixfs(helia).addByteStream(createReadStream(path, { highWaterMark: 1024 * 1024 }));
process.stdout.write(`${JSON.stringify({ event: 'ready', cid: cid.toString(), address: addressesOf(helia)[0] })}\n`);
process.stdin.on('end', () => process.exit(0)).resume();
