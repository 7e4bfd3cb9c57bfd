// Builds the addon against the prebuilt llama.cpp that node-llama-cpp ships. A compiler and git are all it needs.
//   node native/build.mjs [--test] [--asan]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fingerprint, isStamped, stamp } from '../scripts/lib/stamp.mjs';

const here = import.meta.dirname;
const require = createRequire(import.meta.url);
const nodeLlamaCpp = join(here, '..', 'node_modules', 'node-llama-cpp');
const build = join(here, 'build');
const isMac = process.platform === 'darwin';
const withAsan = process.argv.includes('--asan');

class BuildError extends Error {}
const fail = (sentence) => { throw new BuildError(sentence); };

/** The platform package of node-llama-cpp with the plainest libraries: they load the faster backends at run time. */
function librariesFolder() {
  const platform = { linux: 'linux', darwin: 'mac', win32: 'win' }[process.platform];
  const suffix = platform === 'mac' && process.arch === 'arm64' ? '-metal' : '';
  const name = `${platform}-${process.arch}${suffix}`;
  const folder = join(nodeLlamaCpp, '..', '@node-llama-cpp', name, 'bins', name);
  return existsSync(folder) ? folder : fail(`node-llama-cpp has no llama.cpp for ${name} here: run \`npm ci\` again.`);
}

/** Headers of exactly the llama.cpp that was shipped, out of the source bundle inside the package. No network. */
function headersFolder() {
  const bundle = join(nodeLlamaCpp, 'llama', 'gitRelease.bundle');
  const out = join(build, 'llama.cpp');
  const value = fingerprint([join(dirname(bundle), 'llama.cpp.info.json')]);
  if (isStamped(join(build, '.headers'), value)) return out;
  rmSync(out, { recursive: true, force: true });
  git(['clone', '--quiet', '--no-checkout', bundle, out], here);
  git(['checkout', '--quiet', 'HEAD', '--', 'include', 'ggml/include'], out);
  rmSync(join(out, '.git'), { recursive: true, force: true });
  stamp(join(build, '.headers'), value);
  return out;
}

function git(args, cwd) {
  const result = spawnSync('git', args, { cwd, encoding: 'utf8' });
  if (result.error?.code === 'ENOENT') fail('git was not found: install git and start again.');
  if (result.status !== 0) fail(`llama.cpp's headers could not be unpacked: ${result.stderr.trim().split('\n').at(-1)}`);
}

function compiler() {
  for (const name of [process.env.CXX, isMac ? 'clang++' : 'g++', 'clang++'].filter(Boolean)) {
    if (spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0) return name;
  }
  return fail(`no C++ compiler was found: install ${isMac ? 'the Xcode command line tools (xcode-select --install)' : 'g++ (apt-get install g++)'} and start again.`);
}

const run = (command, args) => new Promise((resolve, reject) => {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  child.once('error', reject);
  child.once('exit', (code) => (code === 0 ? resolve() : reject(new BuildError(`${basename(command)} failed (exit code ${code}).`))));
});

async function inParallel(jobs, limit) {
  const queue = [...jobs];
  await Promise.all(Array.from({ length: limit }, async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await job();
  }));
}

function flags(headers) {
  const include = [join(headers, 'include'), join(headers, 'ggml', 'include'), require('node-api-headers').include_dir, join(here, 'src')];
  const asan = withAsan ? ['-fsanitize=address', '-fno-omit-frame-pointer', '-g'] : [];
  return ['-std=c++17', '-O2', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', ...asan, ...include.map((path) => `-I${path}`)];
}

function linkFlags(libraries) {
  const names = readdirSync(libraries).filter((name) => /^lib(llama|ggml|ggml-base)(\.v[\d.]+)?\.(so|dylib)$/.test(name));
  const relativePath = relative(join(build, 'Release'), libraries);
  const origin = isMac ? '@loader_path' : '$ORIGIN';
  return [...names.map((name) => join(libraries, name)), `-Wl,-rpath,${origin}/${relativePath}`, `-Wl,-rpath,${libraries}`, ...(withAsan ? ['-fsanitize=address'] : []), ...(isMac ? [] : ['-lpthread'])];
}

// Under its name only when it is whole: a process may have the old one loaded, or build the same at this moment.
async function written(path, write) {
  const partial = `${path}.${process.pid}`;
  await write(partial);
  renameSync(partial, path);
}

async function compile(cxx, files, { folder, flagList }) {
  mkdirSync(folder, { recursive: true });
  const headers = readdirSync(join(here, 'src')).filter((name) => name.endsWith('.h')).map((name) => join(here, 'src', name));
  const objects = files.map((file) => join(folder, `${basename(file)}.o`));
  await inParallel(files.map((file, i) => async () => {
    const value = fingerprint([file, ...headers], [cxx, ...flagList]);
    if (isStamped(`${objects[i]}.stamp`, value) && existsSync(objects[i])) return;
    await written(objects[i], (path) => run(cxx, [...flagList, '-c', file, '-o', path]));
    stamp(`${objects[i]}.stamp`, value);
  }), Math.min(files.length, availableParallelism()));
  return objects;
}

const sources = (folder) => readdirSync(join(here, folder)).filter((name) => name.endsWith('.cc')).map((name) => join(here, folder, name));

async function buildAddon(cxx, libraries, flagList) {
  const objects = await compile(cxx, sources('src'), { folder: join(build, 'obj'), flagList });
  mkdirSync(join(build, 'Release'), { recursive: true });
  const target = join(build, 'Release', 'omninode.node');
  const value = fingerprint(objects, [libraries]);
  if (isStamped(`${target}.stamp`, value) && existsSync(target)) return;
  await written(target, (path) => run(cxx, [isMac ? '-bundle' : '-shared', ...(isMac ? ['-undefined', 'dynamic_lookup'] : []), '-o', path, ...objects, ...linkFlags(libraries)]));
  stamp(`${target}.stamp`, value);
}

/** The unit tests leave out what needs Node, so that they run as a plain program (and under AddressSanitizer). */
async function buildAndRunTests(cxx, libraries, flagList) {
  const folder = join(build, withAsan ? 'test-asan' : 'test');
  const plain = sources('src').filter((file) => !/\/(napi|module|lane-module)\.cc$/.test(file));
  const objects = await compile(cxx, [...plain, ...sources('test')], { folder, flagList });
  const program = join(folder, 'run-tests');
  await run(cxx, ['-o', program, ...objects, ...linkFlags(libraries)]);
  await run(program, [libraries, join(here, '..', 'resources', 'models', 'omni-guide.gguf')]);
}

try {
  if (process.platform === 'win32') fail('the stage engine cannot be built on Windows yet: run OmniNode under WSL.');
  const cxx = compiler();
  const libraries = librariesFolder();
  const flagList = flags(headersFolder());
  if (!withAsan) await buildAddon(cxx, libraries, flagList);
  if (process.argv.includes('--test')) await buildAndRunTests(cxx, libraries, flagList);
} catch (error) {
  process.stderr.write(`${error instanceof BuildError ? `error: ${error.message}` : error.stack}\n`);
  process.exitCode = 1;
}
