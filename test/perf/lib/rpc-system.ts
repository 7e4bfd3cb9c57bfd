import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { saysReady, type Network, type NetworkHost } from '../../support/network.ts';
import type { RpcPrograms } from './rpc-programs.ts';
import type { Decoded, Setup, System, Work } from './system.ts';

/** llama.cpp's RPC backend: its client on the first host, a worker on each other one. */
export async function startRpc(setup: Setup, programs: RpcPrograms, { hosts: [client, ...others] }: Network): Promise<System> {
  if (client === undefined) throw new Error('a network has hosts');
  const children: ChildProcess[] = [];
  const start = (host: NetworkHost, args: readonly string[]): ChildProcess => {
    const child = spawnOn(host, args);
    children.push(child);
    return child;
  };
  try {
    const endpoints: string[] = [];
    for (const host of others) {
      const port = String(await freePort());
      await saysReady(start(host, [programs.worker, programs.libraries, programs.rpcLibrary, host.address, port, String(setup.threads)]));
      endpoints.push(`${host.address}:${port}`);
    }
    // One row of embeddings is all that is left to the client.
    const talk = new Talk(start(client, clientOf(setup, programs, ['1', ...endpoints])));
    await talk.next();
    return { name: 'rpc', decode: (work) => talk.decode(work), stop: () => stopAll(children) };
  } catch (error) {
    await stopAll(children);
    throw error;
  }
}

/**
 * llama.cpp alone in one process, which each of the systems should agree with: `plain`, weights as they are in the file,
 * is what an RPC worker computes with; `repacked`, the layout that suits the processor, what everybody else does.
 */
export async function startAlone(setup: Setup, programs: RpcPrograms, layout: 'plain' | 'repacked'): Promise<System> {
  const child = spawnOn({ prefix: [] }, clientOf(setup, programs, [String(setup.threads), layout]));
  const talk = new Talk(child);
  await talk.next();
  return { name: layout, decode: (work) => talk.decode(work), stop: () => stopAll([child]) };
}

const clientOf = ({ modelPath, contextTokens }: Setup, { client, libraries, rpcLibrary }: RpcPrograms, rest: readonly string[]): readonly string[] =>
  [client, libraries, rpcLibrary, modelPath, String(contextTokens), ...rest];

function spawnOn({ prefix }: Pick<NetworkHost, 'prefix'>, args: readonly string[]): ChildProcess {
  const [command = '', ...rest] = [...prefix, ...args];
  return spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** A port that is free on this machine; in a namespace all are. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return address.port;
}

/** Nothing in them is worth an orderly end. */
async function stopAll(children: readonly ChildProcess[]): Promise<void> {
  await Promise.all(children.map(async (child) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }));
}

/** A client's half of the conversation: one line asked, one answered. */
class Talk {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(child: ChildProcess) {
    if (child.stdout === null) throw new TypeError('the client has no stdout');
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  async next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the RPC client ended');
    return JSON.parse(value) as unknown;
  }

  async decode({ prompt, tokens }: Work): Promise<Decoded> {
    this.#child.stdin?.write(`${tokens} ${prompt.join(' ')}\n`);
    return await this.next() as Decoded;
  }
}
