import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PeerId } from '../../src-main/base/index.ts';
import type { AnswerReplies, AnswerSetup, FromAnswerNode, ToAnswerNode } from './answer-messages.ts';
import { forkOn, type NetworkHost } from './network.ts';

const SCRIPT = fileURLToPath(new URL('./answer-node.ts', import.meta.url));
type Waiting = Pick<PromiseWithResolvers<unknown>, 'resolve' | 'reject'>;

/** A node of the product in another process, asked from here. */
export class AnswerProcess {
  readonly peer: PeerId;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<number | string>;
  #asked = 0;

  static async start(host: NetworkHost, setup: AnswerSetup): Promise<AnswerProcess> {
    const child = forkOn(host, SCRIPT, [JSON.stringify(setup)]);
    const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
    const ready = once(child, 'message').then(([message]) => message as FromAnswerNode);
    const said = await Promise.race([ready, exited.then((code) => { throw new Error(`a node ended at its start: ${code}`); })]);
    if (said.event !== 'ready') throw new Error(`a node did not start: ${JSON.stringify(said)}`);
    return new AnswerProcess(child, said.peer, exited);
  }

  private constructor(child: ChildProcess, peer: PeerId, exited: Promise<number | string>) {
    this.peer = peer;
    this.#child = child;
    this.#exited = exited;
    child.on('message', (message: FromAnswerNode) => this.#take(message));
    void exited.then((code) => { for (const { reject } of this.#waiting.values()) reject(new Error(`a node ended: ${code}`)); });
  }

  async ask<K extends keyof AnswerReplies>(asked: Extract<ToAnswerNode, { kind: K }>): Promise<AnswerReplies[K]> {
    const number = this.#asked++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(number, { resolve, reject });
    this.#child.send({ number, asked });
    return (await promise) as AnswerReplies[K];
  }

  /** Its exit code, once nothing keeps it alive. */
  async stop(): Promise<number | string> {
    await this.ask({ kind: 'stop' });
    return this.#exited;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #take(message: FromAnswerNode): void {
    if (message.event === 'ready' || message.number === undefined) return;
    const waiting = this.#waiting.get(message.number);
    this.#waiting.delete(message.number);
    if (message.event === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(new Error(message.error));
  }
}
