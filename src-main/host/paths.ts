import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unpackedPath } from '../base/index.ts';
import { hostErrors } from './errors.ts';

/** Where the parts of the installation are; differs between source, bundle and packaged app. */
export interface AppPaths {
  readonly root: string;
  readonly models: string;
  /** What the embedded chain deploys. */
  readonly contracts: string;
  readonly renderer: string;
  readonly nativeAddon: string;
  /** Folder with the shared libraries of llama.cpp for this platform. */
  readonly stageWorker: string;
  readonly nodeProcess: string;
  /** Runs in a thread. */
  readonly storeWorker: string;
  /** As well. */
  readonly pdfWorker: string;
  readonly transferProcess: string;
  readonly embeddingWorker: string;
  /** Folder whose node_modules hold transformers.js, once installed. */
  readonly embeddingRuntime: string;
  readonly embeddingInstaller: string;
}

/**
 * Finds the installation from a module inside it. Sources run as they are (Node strips
 * the types); the bundle has each child entry beside it in out/main.
 */
export function appPaths(here: string = import.meta.dirname): AppPaths {
  const root = findRoot(here);
  const isBundle = here.startsWith(join(root, 'out'));
  const entry = (source: string, bundled: string): string => (isBundle ? join(root, 'out', 'main', bundled) : join(root, 'src-main', source));
  return {
    root,
    models: unpackedPath(join(root, 'resources', 'models')),
    contracts: join(root, 'resources', 'contracts'),
    renderer: join(root, 'out', 'renderer'),
    nativeAddon: unpackedPath(join(root, 'native', 'build', 'Release', 'omninode.node')),
    stageWorker: entry('inference/worker/main.ts', 'stage-worker.js'),
    nodeProcess: entry('host/node-process.ts', 'node-process.js'),
    storeWorker: entry('host/store-worker.ts', 'store-worker.js'),
    pdfWorker: entry('documents/pdf-worker.ts', 'pdf-worker.js'),
    transferProcess: entry('host/transfer-process.ts', 'transfer-process.js'),
    embeddingWorker: entry('inference/embeddings/worker/main.ts', 'embedding-worker.js'),
    embeddingRuntime: join(root, '.runtime', 'embeddings'),
    embeddingInstaller: join(root, 'scripts', 'embeddings.mjs'),
  };
}

/** Of this installation, as its package has it. */
export const appVersion = ({ root }: Pick<AppPaths, 'root'>): string => String(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);

function findRoot(start: string): string {
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'resources', 'models')) && existsSync(join(folder, 'package.json'))) return folder;
  }
  throw hostErrors.installationIncomplete({ start });
}
