import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** UDP ports of this process, those of native code too. Linux only. */
export function ownUdpPorts(): readonly number[] {
  const own = new Set(readdirSync('/proc/self/fd').flatMap((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(fd))?.[1] ?? []));
  const rows = ['udp', 'udp6'].flatMap((table) => readFileSync(`/proc/self/net/${table}`, 'utf8').trim().split('\n').slice(1));
  // The second column is the address in hexadecimal, the tenth the socket's inode.
  return rows.map((row) => row.trim().split(/\s+/)).filter((columns) => own.has(String(columns[9]))).map((columns) => Number.parseInt(String(columns[1]?.split(':')[1]), 16));
}

// One may be closed meanwhile.
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

/** A socket on the loopback that keeps what it hears. */
export class UdpStranger {
  readonly heard: Buffer[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes) => this.heard.push(bytes));
  }

  static async open(): Promise<UdpStranger> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new UdpStranger(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Resolves when it is sent. */
  send(bytes: Uint8Array, port: number): Promise<void> {
    return new Promise((resolve, reject) => { this.#socket.send(bytes, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error))); });
  }

  /** Resolves once all is heard that was sent here before. */
  async settle(): Promise<void> {
    const last = Buffer.from('the last');
    await this.send(last, this.port);
    while (!this.heard.some((bytes) => bytes.equals(last))) await once(this.#socket, 'message');
    this.heard.splice(this.heard.findIndex((bytes) => bytes.equals(last)), 1);
  }

  close(): void {
    this.#socket.close();
  }
}
