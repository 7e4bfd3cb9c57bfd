import type { CommandName, CommandOutput, CommandParsed } from '../../../src-preload/bridge/index.ts';
import type { Sink } from './hub.ts';

export type Handler<N extends CommandName> = (input: CommandParsed<N>, sink: Sink) => CommandOutput<N> | Promise<CommandOutput<N>>;

/** What of the commands a host answers; what is missing is API_UNSUPPORTED. */
export type Handlers = { readonly [N in CommandName]?: Handler<N> };
