import { RateLimiter, systemClock, type Clock, type Logger } from '../../base/index.ts';
import { commands, isCommandName, type CallResult, type CommandName, type CommandOutput, type CommandParsed } from '../../../src-preload/bridge/index.ts';
import { apiErrors } from '../errors.ts';
import { parseInput } from '../parse-input.ts';
import { BRIDGE_DEFAULTS, type BridgeOptions } from '../options.ts';
import type { HostService } from '../ports.ts';
import { toWireError } from '../wire-error.ts';
import { ChatRunner } from './chat-runner.ts';
import { conversationHandlers, followConversations } from './conversations.ts';
import { Hub, type Sink } from './hub.ts';

export interface BridgeServerInit {
  readonly host: HostService;
  readonly logger: Logger;
  readonly options?: Partial<BridgeOptions>;
  readonly clock?: Clock;
}

/** One client, whatever its transport. */
export interface BridgeClient {
  /** Checks and runs one command. Never rejects: a failure is a result. */
  call(name: unknown, input: unknown): Promise<CallResult>;
  close(): void;
}

type Handler<N extends CommandName> = (input: CommandParsed<N>, sink: Sink) => CommandOutput<N> | Promise<CommandOutput<N>>;
/** What is missing here is API_UNSUPPORTED. */
type Handlers = { readonly [N in CommandName]?: Handler<N> };

/** The host's side of the bridge, the same behind WebSocket and Electron's IPC. */
export class BridgeServer {
  readonly #hub: Hub;
  readonly #chats: ChatRunner;
  readonly #handlers: Handlers;
  readonly #options: BridgeOptions;
  readonly #logger: Logger;
  readonly #limiter: RateLimiter;
  readonly #unfollow: () => void;
  #clients = 0;
  #nextClient = 0;
  #abandoned: NodeJS.Timeout | undefined;

  constructor({ host, logger, options, clock = systemClock }: BridgeServerInit) {
    this.#options = { ...BRIDGE_DEFAULTS, ...options };
    this.#logger = logger;
    this.#hub = new Hub(host, clock);
    this.#chats = new ChatRunner({ publish: (event) => this.#hub.publish(event), logger, maxChats: this.#options.maxChats });
    this.#handlers = createHandlers(host, this.#hub, this.#chats);
    this.#unfollow = host.conversations === undefined ? () => undefined : followConversations(host.conversations, (event) => this.#hub.publish(event), logger);
    this.#limiter = new RateLimiter({ perSecond: this.#options.callsPerSecond, burst: this.#options.callBurst }, clock);
  }

  /** `sink` gets the pushes once the client has subscribed. */
  connect(sink: Sink): BridgeClient {
    const key = String((this.#nextClient += 1));
    this.#clients += 1;
    clearTimeout(this.#abandoned);
    let isOpen = true;
    return {
      call: (name, input) => this.#call({ name, input, sink, key }),
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#hub.unsubscribe(sink);
        this.#onClientGone();
      },
    };
  }

  /** Stops every answer and waits for its end. */
  async close(): Promise<void> {
    clearTimeout(this.#abandoned);
    await this.#chats.cancelAll();
    this.#unfollow();
    this.#hub.close();
  }

  #onClientGone(): void {
    this.#clients -= 1;
    if (this.#clients > 0) return;
    this.#abandoned = setTimeout(() => void this.#chats.cancelAll(), this.#options.abandonedAfterMs);
    this.#abandoned.unref();
  }

  async #call({ name, input, sink, key }: { name: unknown; input: unknown; sink: Sink; key: string }): Promise<CallResult> {
    try {
      if (!this.#limiter.take(key)) throw apiErrors.rateLimited({});
      const value = this.#dispatch(name, input, sink);
      // What is known at once is answered at once: a snapshot must not come after later pushes.
      return { ok: true, value: value instanceof Promise ? await value : value };
    } catch (error) {
      return { ok: false, error: toWireError(error, this.#logger) };
    }
  }

  #dispatch(name: unknown, input: unknown, sink: Sink): unknown {
    if (typeof name !== 'string') throw apiErrors.badRequest({ what: 'call', field: 'name', reason: 'is not a text' });
    if (!isCommandName(name)) throw apiErrors.unsupported({ command: name.slice(0, 100) });
    // The table ties each handler to its own input; that tie is lost when the name is a variable.
    const handler = this.#handlers[name] as Handler<never> | undefined;
    if (handler === undefined) throw apiErrors.unsupported({ command: name });
    return handler(parseInput(commands[name].input, input, { what: name, whole: 'input' }) as never, sink);
  }
}

function createHandlers(host: HostService, hub: Hub, chats: ChatRunner): Handlers {
  const { chat, conversations, invites } = host;
  return {
    'host.info': () => host.info(),
    'state.snapshot': () => hub.snapshot(),
    'state.subscribe': (_, sink) => {
      const snapshot = hub.snapshot();
      hub.subscribe(sink);
      return snapshot;
    },
    'state.unsubscribe': (_, sink) => {
      hub.unsubscribe(sink);
      return {};
    },
    ...(chat === undefined ? {} : {
      'chat.send': (input: CommandParsed<'chat.send'>) => chats.start(chat, input),
      'chat.cancel': (input: CommandParsed<'chat.cancel'>) => chats.cancel(input.requestId),
    }),
    ...(conversations === undefined ? {} : conversationHandlers(conversations)),
    ...(invites === undefined ? {} : {
      'invite.create': ({ ttlMs }: CommandParsed<'invite.create'>) => invites.create(ttlMs),
      'invite.check': ({ link }: CommandParsed<'invite.check'>) => invites.check(link),
      'invite.join': ({ link }: CommandParsed<'invite.join'>) => invites.join(link),
    }),
  };
}
