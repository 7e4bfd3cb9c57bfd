import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { seeded } from './models/index.ts';

/** What a TCP sender waits before it sends again what was lost (Linux, at the least), and how often it does. */
const REPEAT_MS = 200;
const MAX_REPEATS = 6;

interface Line {
  readonly from: number;
  readonly to: number;
}

/**
 * A network without a network: every node is on the loopback and reaches each other one over a port of its own, through this process. So lines
 * between two of them can go dead without a word. Bytes are never lost on a stream; what loss does to it is waiting, and so it is here.
 */
export class TcpLines {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #groupOf = new Map<number, number>();
  readonly #random = seeded(1);
  #changed = Promise.withResolvers<void>();
  #loss = 0;
  #carried = 0;
  #onWayMs = 0;

  /** Bytes so far, of both directions. */
  get carried(): number {
    return this.#carried;
  }

  /** A port of the loopback by which `from` reaches what `to` listens on at `port`. */
  async add(line: Line, port: number): Promise<number> {
    // Small pieces go on at once: what delays is told to.
    const server = createServer({ noDelay: true }, (socket) => {
      const onward = connect({ host: '127.0.0.1', port, noDelay: true });
      for (const [here, there] of [[socket, onward], [onward, socket]] as const) void this.#carry(line, here, there);
    });
    this.#servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** Nodes reach those of their own group only; those of no group are one more. */
  split(...groups: ReadonlyArray<readonly number[]>): void {
    this.#groupOf.clear();
    for (const [i, group] of groups.entries()) for (const node of group) this.#groupOf.set(node, i);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  join(): void {
    this.split();
  }

  /** How long each piece is under way. */
  delay(rttMs: number): void {
    this.#onWayMs = rttMs / 2;
  }

  /** Share of the pieces of a stream that are lost at a time. */
  lose(share: number): void {
    this.#loss = share;
  }

  stop(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #carry(line: Line, here: Socket, there: Socket): Promise<void> {
    this.#sockets.add(here);
    here.once('close', () => this.#sockets.delete(here));
    let before: Promise<unknown> = Promise.resolve();
    try {
      for await (const bytes of here) {
        const arrival = this.#onWayMs > 0 ? delay(this.#onWayMs) : undefined;
        const [piece, last] = [bytes as Uint8Array, before];
        before = (async () => {
          await Promise.all([last, arrival]);
          await this.#pass(line, piece, there);
        })();
        before.catch(() => undefined);
        // Those that are under way wait for nobody.
        if (arrival === undefined) await before;
      }
      await before;
      await this.#open(line);
      there.end();
    } catch {
      await this.#open(line);
      there.destroy();
    }
  }

  async #pass(line: Line, piece: Uint8Array, there: Socket): Promise<void> {
    await this.#open(line);
    this.#carried += piece.byteLength;
    for (let n = 0; n < MAX_REPEATS && this.#random() < this.#loss; n++) await delay(REPEAT_MS * 2 ** n);
    if (!there.write(piece)) await once(there, 'drain');
  }

  async #open({ from, to }: Line): Promise<void> {
    while (this.#groupOf.get(from) !== this.#groupOf.get(to)) await this.#changed.promise;
  }
}
