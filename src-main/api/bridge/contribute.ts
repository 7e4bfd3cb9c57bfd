import type { CommandName, CommandOutput, CommandParsed } from '../../../src-preload/bridge/index.ts';
import type { ContributeService } from '../ports.ts';

type Handlers = { readonly [N in CommandName]?: (input: CommandParsed<N>) => CommandOutput<N> | Promise<CommandOutput<N>> };

export const contributeHandlers = (service: ContributeService): Handlers => ({
  'contribute.get': () => service.get(),
  'contribute.set': (change) => service.set(change),
  'contribute.pause': ({ ms }) => service.pause(ms),
  'contribute.resume': () => service.resume(),
});
