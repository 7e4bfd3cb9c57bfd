import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { findLibraries } from '../../../src-main/inference/index.ts';

const exec = promisify(execFile);
const SOURCES = join(import.meta.dirname, '..', 'rpc');
/** What the RPC backend and our programs need of llama.cpp. */
const PATHS = ['include', 'ggml/include', 'ggml/src/ggml-rpc', 'ggml/src/ggml-impl.h', 'ggml/src/ggml-backend-impl.h'];
/** As llama.cpp's own build sets them for a backend that is loaded at run time. */
const BACKEND = ['-DGGML_BACKEND_DL', '-DGGML_BACKEND_BUILD', '-DGGML_BACKEND_SHARED', '-DGGML_SHARED', '-DNDEBUG'];
const CXX = process.env['CXX'] ?? 'g++';

export interface RpcPrograms {
  readonly libraries: string;
  readonly rpcLibrary: string;
  readonly worker: string;
  readonly client: string;
}

const programs = (folder: string): RpcPrograms =>
  ({ libraries: findLibraries(), rpcLibrary: join(folder, 'libggml-rpc.so'), worker: join(folder, 'worker'), client: join(folder, 'client') });

/**
 * llama.cpp's RPC backend out of the source bundle inside node-llama-cpp, and a worker and a client for it, against the
 * libraries that this project runs on. Needs git and g++; kept in the system's folder for passing files.
 */
export async function buildRpc(): Promise<RpcPrograms> {
  const bundle = join(packageFolder(), 'llama', 'gitRelease.bundle');
  const key = await keyOf([join(dirname(bundle), 'llama.cpp.info.json'), ...['common.h', 'worker.cc', 'client.cc'].map((name) => join(SOURCES, name))]);
  return programs(await onceBuilt(`rpc-${key}`, async (folder) => {
    const source = join(folder, 'llama.cpp');
    await exec('git', ['clone', '--quiet', '--no-checkout', bundle, source]);
    await exec('git', ['checkout', '--quiet', 'HEAD', '--', ...PATHS], { cwd: source });
    const include = ['include', 'ggml/include', 'ggml/src'].map((path) => `-I${join(source, path)}`);
    const { libraries, rpcLibrary, worker, client } = programs(folder);
    const all = (await readdir(libraries)).filter((name) => /^lib(llama|ggml|ggml-base)(\.v[\d.]+)?\.so$/.test(name)).map((name) => join(libraries, name));
    const backend = ['ggml-rpc.cpp', 'transport.cpp'].map((name) => join(source, 'ggml', 'src', 'ggml-rpc', name));
    await compile(['-fPIC', '-shared', ...BACKEND, ...include, ...backend, ...all.filter((path) => path.includes('ggml-base'))], rpcLibrary);
    for (const program of [worker, client]) await compile([...include, join(SOURCES, `${basename(program)}.cc`), ...all], program);
  }));
}

/** The stand-in for netem; see test/support/network.ts. */
export async function buildDelayLine(): Promise<string> {
  const source = join(SOURCES, 'delay-line.cc');
  return join(await onceBuilt(`delay-line-${await keyOf([source])}`, (folder) => compile([source], join(folder, 'delay-line'))), 'delay-line');
}

/** A wall clock that can be set wrong; see test/support/skew.cc. */
export async function buildSkew(): Promise<string> {
  const source = join(import.meta.dirname, '..', '..', 'support', 'skew.cc');
  return join(await onceBuilt(`skew-${await keyOf([source])}`, (folder) => compile(['-fPIC', '-shared', source], join(folder, 'skew.so'))), 'skew.so');
}

/** What times the writing and reading of rows, out of the addon's own source; see test/perf/transport/rows.cc. */
export async function buildRowTimer(): Promise<string> {
  const native = join(import.meta.dirname, '..', '..', '..', 'native');
  const sources = [join(SOURCES, '..', 'transport', 'rows.cc'), join(native, 'src', 'rows.cc')];
  const include = [join(native, 'src'), join(native, 'build', 'llama.cpp', 'ggml', 'include')].map((path) => `-I${path}`);
  const libraries = (await readdir(findLibraries())).filter((name) => /^libggml-base(\.v[\d.]+)?\.so$/.test(name)).map((name) => join(findLibraries(), name));
  return join(await onceBuilt(`rows-${await keyOf([...sources, join(native, 'src', 'rows.h')])}`, (folder) => compile([...include, ...sources, ...libraries], join(folder, 'rows'))), 'rows');
}

const compile = async (args: readonly string[], output: string): Promise<void> =>
  void await exec(CXX, ['-std=c++17', '-O2', ...args, '-o', output, `-Wl,-rpath,${findLibraries()}`, '-lpthread']);

function packageFolder(): string {
  const main = dirname(createRequire(import.meta.url).resolve('node-llama-cpp'));
  return main.slice(0, main.lastIndexOf('node-llama-cpp') + 'node-llama-cpp'.length);
}

async function keyOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(`${CXX} ${findLibraries()}`);
  for (const file of files) hash.update(await readFile(file));
  return hash.digest('hex').slice(0, 16);
}

/** The folder gets its name when all of it is there. */
async function onceBuilt(name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(tmpdir(), 'omninode-bench', name);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    await build(partial);
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}
