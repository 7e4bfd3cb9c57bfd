import type { CommandName, CommandOutput, CommandParsed } from '../../../src-preload/bridge/index.ts';
import type { SetupService } from '../ports.ts';

type Handlers = { readonly [N in CommandName]?: (input: CommandParsed<N>) => CommandOutput<N> | Promise<CommandOutput<N>> };

export const setupHandlers = (service: SetupService): Handlers => ({
  'setup.get': () => service.get(),
  'setup.finish': (choices) => service.finish(choices),
  'setup.skip': () => service.skip(),
});
