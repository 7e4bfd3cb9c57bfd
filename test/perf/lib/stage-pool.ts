import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findLibraries } from '../../../src-main/inference/index.ts';
import type { StageRun, StageRunResult, StageStart } from './stage-process.ts';

export const NATIVE_PATH = join(import.meta.dirname, '..', '..', '..', 'native', 'build', 'Release', 'omninode.node');

/** The library that llama.cpp chooses here, or one CPU library of its package by name (`haswell`, `x64`, ...). */
export type CpuPath = 'chosen' | string;

/** One process per CPU library, kept between runs. */
export class StagePool {
  readonly #processes = new Map<CpuPath, ChildProcess>();
  readonly #folders: string[] = [];

  async run(cpu: CpuPath, job: StageRun): Promise<readonly Uint8Array[]> {
    const child = this.#processes.get(cpu) ?? await this.#start(cpu);
    child.send(job);
    const answer = once(child, 'message') as Promise<[StageRunResult]>;
    const ended = once(child, 'exit').then(() => { throw new Error(`the process with CPU library ${cpu} ended`); });
    const [{ outputs }] = await Promise.race([answer, ended]);
    return outputs;
  }

  async stop(): Promise<void> {
    for (const child of this.#processes.values()) child.disconnect();
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }

  async #start(cpu: CpuPath): Promise<ChildProcess> {
    const child = fork(join(import.meta.dirname, 'stage-process.ts'), { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    child.setMaxListeners(0);
    this.#processes.set(cpu, child);
    child.send({ worker: { nativePath: NATIVE_PATH, librariesFolder: await this.#folderOf(cpu) } } satisfies StageStart);
    return child;
  }

  // llama.cpp loads the best library of a folder: a folder with one leaves no choice.
  async #folderOf(cpu: CpuPath): Promise<string> {
    const libraries = findLibraries();
    if (cpu === 'chosen') return libraries;
    const folder = await mkdtemp(join(tmpdir(), 'omninode-cpu-'));
    this.#folders.push(folder);
    await symlink(join(libraries, `libggml-cpu-${cpu}.so`), join(folder, `libggml-cpu-${cpu}.so`));
    return folder;
  }
}
