import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { unixfs } from '@helia/unixfs';
import { multiaddr } from '@multiformats/multiaddr';
import { CID } from 'multiformats/cid';
import { FileBlockstore, treeOfFile } from '../../src-main/store/index.ts';
import { addressesOf, startHelia } from './helia-node.ts';
import { say } from './say.ts';

// A node of another IPFS implementation in a process of its own: holds the blocks of files, reads others, says on stdout what happens (a JSON line each).
export interface HeliaPeerSetup {
  /** Paths of files whose blocks it has in its own blockstore. */
  readonly files?: readonly string[];
  /** Leaves that it does not have, by number, of every file. */
  readonly without?: readonly number[];
  /** Read through UnixFS from the node at this address. */
  readonly read?: { readonly cid: string; readonly from: string; readonly into: string };
  /** Single blocks, read from the node at this address. */
  readonly block?: { readonly cid: string; readonly from: string };
}

const { files = [], without = [], read, block } = JSON.parse(process.argv[2] ?? '{}') as HeliaPeerSetup;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function collect(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

const helia = await startHelia();
for (const path of files) {
  const blocks = new FileBlockstore();
  const tree = await treeOfFile(path);
  blocks.add({ ...tree, path });
  let leaf = 0;
  for await (const { cid, bytes } of blocks.getAll()) if (cid.code !== 0x55 || !without.includes(leaf++)) await helia.blockstore.put(cid, await collect(bytes));
}
say('ready', { addresses: addressesOf(helia) });
process.stdin.on('end', () => process.exit(0)).resume();
if (read !== undefined) {
  await helia.libp2p.dial(multiaddr(read.from));
  const bytes = await collect(unixfs(helia).cat(CID.parse(read.cid)));
  await writeFile(read.into, bytes);
  say('read', { sizeBytes: bytes.length });
}
if (block !== undefined) {
  await helia.libp2p.dial(multiaddr(block.from));
  const bytes = await collect(helia.blockstore.get(CID.parse(block.cid)));
  say('block', { sha256: sha256(bytes), sizeBytes: bytes.length });
}
