import {
  bridgeErrors, pushFrameSchema, resultFrameSchema, SOCKET,
  type CallFrame, type CallResult, type CommandInput, type CommandName, type CommandOutput, type HostConnection,
} from '../../src-preload/bridge/index.ts';
import { Listeners, unwrap } from './connection.ts';

/** The part of a WebSocket that is used; a browser's is one, and that of `ws`. */
export interface Socket {
  send(text: string): void;
  close(): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}
export type CreateSocket = (url: string, protocols: string[]) => Socket;

interface Pending {
  readonly resolve: (result: CallResult) => void;
  readonly reject: (error: Error) => void;
}

/** `base` is the page's address. Rejects with BRIDGE_DISCONNECTED when the host refuses or is away. */
export async function connectToSocket(base: string, key: string, createSocket: CreateSocket): Promise<HostConnection> {
  const url = new URL(SOCKET.path, base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const connection = new SocketConnection(createSocket(url.href, [SOCKET.protocol, `${SOCKET.keyPrefix}${key}`]));
  await connection.opened;
  return connection;
}

class SocketConnection implements HostConnection {
  readonly opened: Promise<void>;
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  readonly #pushes = new Listeners<unknown>();
  readonly #closed = new Listeners<void>();
  #nextId = 0;
  #isOpen = true;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('close', () => reject(bridgeErrors.disconnected()));
    });
    socket.addEventListener('message', ({ data }) => this.#onMessage(data));
    socket.addEventListener('close', () => this.#onClose());
    // A failure is always followed by 'close'; without a listener `ws` would throw it.
    socket.addEventListener('error', () => undefined);
  }

  async call<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    if (!this.#isOpen) throw bridgeErrors.disconnected();
    const frame: CallFrame = { id: (this.#nextId += 1), call: name, input };
    const result = await new Promise<CallResult>((resolve, reject) => {
      this.#pending.set(frame.id, { resolve, reject });
      this.#socket.send(JSON.stringify(frame));
    });
    return unwrap(name, result);
  }

  onPush(listener: (raw: unknown) => void): () => void {
    return this.#pushes.add(listener);
  }

  onClose(listener: () => void): () => void {
    return this.#closed.add(listener);
  }

  close(): void {
    this.#socket.close();
  }

  #onMessage(data: unknown): void {
    const frame = parseJson(data);
    const push = pushFrameSchema.safeParse(frame);
    if (push.success && 'push' in push.data) return this.#pushes.emit(push.data.push);
    const reply = resultFrameSchema.safeParse(frame);
    // A host that does not speak our protocol is no host: reconnecting asks for a fresh start.
    if (!reply.success) return this.#socket.close();
    this.#pending.get(reply.data.id)?.resolve(reply.data.result);
    this.#pending.delete(reply.data.id);
  }

  #onClose(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const { reject } of this.#pending.values()) reject(bridgeErrors.disconnected());
    this.#pending.clear();
    this.#closed.emit();
  }
}

function parseJson(data: unknown): unknown {
  try {
    return JSON.parse(String(data));
  } catch {
    return undefined;
  }
}
