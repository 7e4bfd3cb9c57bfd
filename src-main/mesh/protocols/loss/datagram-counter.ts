import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { MAX_HEARD_TIMES, SETTLE_MS, TOKEN_BYTES } from './constants.ts';
import { decodeDatagram, type LossOffer, type LossQuestion } from './schema.ts';

export interface DatagramCounterInit extends LossQuestion {
  /** Told what came and did not count, by its code. */
  readonly refused: (code: string) => void;
}

/** Room for what comes while this process has no time. The kernel gives what it allows. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

/** A UDP socket that counts the datagrams of one probe, each once, and never sends anything: whoever sends in another's name gets nobody answered. */
export class DatagramCounter {
  readonly offer: LossOffer;
  readonly #socket: Socket;
  readonly #init: DatagramCounterInit;
  readonly #seen: Uint8Array;
  readonly #all = Promise.withResolvers<void>();
  #arrived = 0;
  #heard = 0;
  #sent = Infinity;
  #isVoid = false;
  #isClosed = false;

  private constructor(socket: Socket, init: DatagramCounterInit) {
    this.#socket = socket;
    this.#init = init;
    this.#seen = new Uint8Array(init.datagrams);
    this.offer = { port: socket.address().port, token: randomBytes(TOKEN_BYTES) };
    socket.on('message', (bytes) => this.#hear(bytes));
    socket.on('error', () => undefined);
  }

  /** Rejects where the system has no socket for it. */
  static async open(init: DatagramCounterInit): Promise<DatagramCounter> {
    const { address } = init;
    const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
    try {
      // On the interface of the connection. What a router gave us is none of ours, and must not be told apart from outside.
      socket.bind(isOurs(address) ? { port: 0, address } : { port: 0 });
      await once(socket, 'listening');
    } catch (error) {
      socket.close();
      throw error;
    }
    return new DatagramCounter(socket, init);
  }

  /** How many of `sent` have come: when all are here, or a while later. 0 after a flood, of which nothing can be told. */
  async settled(sent: number): Promise<number> {
    this.#sent = sent;
    const waiting = setTimeout(this.#all.resolve, SETTLE_MS);
    if (this.#arrived >= sent) this.#all.resolve();
    await this.#all.promise;
    clearTimeout(waiting);
    return this.#isVoid ? 0 : Math.min(sent, this.#arrived);
  }

  /** Again is nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
    this.#all.resolve();
  }

  #hear(bytes: Uint8Array): void {
    const { datagrams, refused } = this.#init;
    if (this.#isClosed) return;
    const number = decodeDatagram(bytes, { token: this.offer.token, datagrams });
    if (++this.#heard > MAX_HEARD_TIMES * datagrams) {
      refused('LOSS_FLOODED');
      this.#isVoid = true;
      return this.close();
    }
    if (number === undefined) return refused('LOSS_FORGED');
    if (this.#seen[number] === 1) return refused('LOSS_REPLAYED');
    this.#seen[number] = 1;
    if (++this.#arrived >= this.#sent) this.#all.resolve();
  }
}

const isOurs = (address: string): boolean => Object.values(networkInterfaces()).flat().some((one) => one?.address === address);
