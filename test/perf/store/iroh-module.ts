import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The last version of the binding that has blobs. */
export const IROH = '@number0/iroh@0.35.0';

export interface NodeAddress {
  readonly nodeId: string;
  readonly addresses?: readonly string[];
}

interface Blobs {
  addFromPath(path: string, inPlace: boolean, tag: unknown, wrap: unknown, told: (error: Error | null, progress: { readonly allDone?: { readonly hash: string } }) => void): Promise<void>;
  download(hash: string, options: unknown, told: (error: Error | null, progress: { readonly allDone?: object; readonly abort?: { readonly error: string } }) => void): Promise<void>;
  size(hash: string): Promise<bigint>;
  writeToPath(hash: string, path: string): Promise<void>;
}

interface IrohNode {
  readonly blobs: Blobs;
  readonly net: { nodeAddr(): Promise<NodeAddress> };
  readonly node: { shutdown(): Promise<void> };
}

/** What the benchmark uses of the binding, which is no dependency and has no types here. */
export interface IrohModule {
  readonly Iroh: { memory(options: typeof IROH_OPTIONS): Promise<IrohNode> };
  readonly SetTagOption: { auto(): unknown };
  readonly BlobDownloadOptions: new (format: 'Raw', nodes: readonly NodeAddress[], tag: unknown) => unknown;
}

/** Nobody is looked for outside, and loopback is enough. */
export const IROH_OPTIONS = { nodeDiscovery: 'None', ipv4Addr: '127.0.0.1:0' } as const;

/** Out of the folder that it was installed into. */
export const loadIroh = (folder: string): Promise<IrohModule> => Promise.resolve(createRequire(join(folder, 'package.json'))('@number0/iroh/index.js') as IrohModule);
