import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { unixfs } from '@helia/unixfs';
import { Blake3Hasher } from '@napi-rs/blake-hash';
import { multiaddr } from '@multiformats/multiaddr';
import { CID } from 'multiformats/cid';
import { startHelia } from '../../support/helia-node.ts';
import type { SaidProcess } from '../../support/said-process.ts';
import type { Rival, RivalFile } from './rival.ts';

/** Helia to Helia over bitswap: neither side has anything of ours in it. */
export async function bitswapRival(file: RivalFile, sender: SaidProcess): Promise<Rival> {
  const { cid: text, address } = await sender.says('ready') as unknown as { readonly cid: string; readonly address: string };
  const cid = CID.parse(text);
  return {
    what: `@helia/bitswap ${versionOf('@helia/bitswap')}, helia ${versionOf('helia')}`,
    receiver: async () => {
      const helia = await startHelia();
      const files = unixfs(helia);
      return {
        fetch: async () => {
          await helia.libp2p.dial(multiaddr(address));
          let sizeBytes = 0;
          for await (const bytes of files.cat(cid)) sizeBytes += bytes.length;
          if (sizeBytes !== file.sizeBytes) throw new TypeError(`bitswap brought ${sizeBytes} of ${file.sizeBytes} bytes`);
        },
        check: async () => {
          const hasher = new Blake3Hasher();
          for await (const bytes of files.cat(cid, { offline: true })) hasher.update(bytes);
          if (hasher.digest('hex') !== file.hash) throw new TypeError('bitswap brought other bytes');
        },
        close: () => helia.stop().then(() => undefined),
      };
    },
  };
}

/** As it is installed: these packages do not let their package.json be imported. */
function versionOf(name: string): string {
  const path = fileURLToPath(new URL(`../../../node_modules/${name}/package.json`, import.meta.url));
  return String((JSON.parse(readFileSync(path, 'utf8')) as { readonly version: unknown }).version);
}
