import type { CommandName, CommandOutput, CommandParsed } from '../../../src-preload/bridge/index.ts';
import type { NetworkService } from '../ports.ts';

type Handlers = { readonly [N in CommandName]?: (input: CommandParsed<N>) => CommandOutput<N> | Promise<CommandOutput<N>> };

export const networkHandlers = (service: NetworkService): Handlers => ({
  'network.known': () => service.known(),
  'network.about': (input) => service.about(input),
  'network.blocked': () => service.blocked(),
  'network.block': (input) => service.block(input),
  'network.unblock': (input) => service.unblock(input),
  'network.check': (input) => service.check(input),
  'network.checked': (input) => service.checked(input),
  'network.cancelCheck': (input) => service.cancelCheck(input),
});
