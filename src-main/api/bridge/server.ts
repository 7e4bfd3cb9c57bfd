import { RateLimiter, systemClock, type Clock, type Logger } from '../../base/index.ts';
import { commands, isCommandName, type CallResult, type CommandParsed } from '../../../src-preload/bridge/index.ts';
import { apiErrors } from '../errors.ts';
import { parseInput } from '../parse-input.ts';
import { BRIDGE_DEFAULTS, type BridgeOptions } from '../options.ts';
import type { HostService } from '../ports.ts';
import { toWireError } from '../wire-error.ts';
import { attachmentHandlers } from './attachments.ts';
import { contributeHandlers } from './contribute.ts';
import { conversationHandlers, followConversations } from './conversations.ts';
import { economyHandlers } from './economy.ts';
import type { Handler, Handlers } from './handlers.ts';
import { Hub, type Sink } from './hub.ts';
import { LogFollowers } from './log-followers.ts';
import { settingsHandlers } from './settings.ts';
import { networkHandlers } from './network.ts';
import { pipelineHandlers } from './pipeline.ts';
import { modelHandlers } from './models.ts';
import { setupHandlers } from './setup.ts';
import { shellHandlers } from './shell.ts';

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

/** The host's side of the bridge, the same behind WebSocket and Electron's IPC. */
export class BridgeServer {
  readonly #hub: Hub;
  readonly #followers: LogFollowers;
  readonly #handlers: Handlers;
  readonly #options: BridgeOptions;
  readonly #logger: Logger;
  readonly #limiter: RateLimiter;
  readonly #unfollow: () => void;
  #nextClient = 0;

  constructor({ host, logger, options, clock = systemClock }: BridgeServerInit) {
    this.#options = { ...BRIDGE_DEFAULTS, ...options };
    this.#logger = logger;
    this.#hub = new Hub(host, clock);
    this.#followers = new LogFollowers(host.logs, (event) => this.#hub.publish(event));
    this.#handlers = createHandlers(host, this.#hub, this.#followers);
    this.#unfollow = host.conversations === undefined ? () => undefined : followConversations(host.conversations, (event) => this.#hub.publish(event), logger);
    this.#limiter = new RateLimiter({ perSecond: this.#options.callsPerSecond, burst: this.#options.callBurst }, clock);
  }

  /** `sink` gets the pushes once the client has subscribed. */
  connect(sink: Sink): BridgeClient {
    const key = String((this.#nextClient += 1));
    let isOpen = true;
    return {
      call: (name, input) => this.#call({ name, input, sink, key }),
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#hub.unsubscribe(sink);
        this.#followers.follow(sink, false);
      },
    };
  }

  /** Tells nobody anything any more; answers go on. */
  close(): void {
    this.#unfollow();
    this.#followers.close();
    this.#hub.close();
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

function createHandlers(host: HostService, hub: Hub, followers: LogFollowers): Handlers {
  const { attachments, contribute, conversations, economy, invites, network, models, setup } = host;
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
    ...(conversations === undefined ? {} : conversationHandlers(conversations)),
    ...(attachments === undefined ? {} : attachmentHandlers(attachments)),
    ...settingsHandlers(host, followers),
    ...(network === undefined ? {} : networkHandlers(network)),
    ...(host.pipeline === undefined ? {} : pipelineHandlers(host.pipeline, hub)),
    ...(models === undefined ? {} : modelHandlers(models)),
    ...(contribute === undefined ? {} : contributeHandlers(contribute)),
    ...(economy === undefined ? {} : economyHandlers(economy)),
    ...(setup === undefined ? {} : setupHandlers(setup)),
    ...shellHandlers(host),
    ...(invites === undefined ? {} : {
      'invite.create': ({ ttlMs }: CommandParsed<'invite.create'>) => invites.create(ttlMs),
      'invite.check': ({ link }: CommandParsed<'invite.check'>) => invites.check(link),
      'invite.join': ({ link }: CommandParsed<'invite.join'>) => invites.join(link),
    }),
  };
}
