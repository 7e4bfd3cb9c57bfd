import type { CommandName, CommandOutput, CommandParsed } from '../../../src-preload/bridge/index.ts';
import type { EconomyService } from '../ports.ts';

type Handlers = { readonly [N in CommandName]?: (input: CommandParsed<N>) => CommandOutput<N> | Promise<CommandOutput<N>> };

export const economyHandlers = (service: EconomyService): Handlers => ({
  'economy.get': () => service.get(),
  'economy.ledger': () => service.ledger(),
  'economy.earnings': (input) => service.earnings(input),
  'economy.slashes': () => service.slashes(),
  'economy.transactions': () => service.transactions(),
  'economy.plan': (op) => service.plan(op),
  'economy.faucet': () => service.faucet(),
  'wallet.request': (input) => service.request(input),
  'wallet.show': (input) => service.show(input),
  'wallet.lock': () => {
    service.lock();
    return {};
  },
});
