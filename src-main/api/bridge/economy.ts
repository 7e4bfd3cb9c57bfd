import type { EconomyService } from '../ports.ts';
import type { Handlers } from './handlers.ts';

export const economyHandlers = (service: EconomyService): Handlers => ({
  'economy.get': () => service.get(),
  'economy.ledger': (input) => service.ledger(input),
  'economy.earnings': (input) => service.earnings(input),
  'economy.slashes': () => service.slashes(),
  'economy.transactions': () => service.transactions(),
  'economy.plan': (op) => service.plan(op),
  'economy.bind': (input) => service.bind(input),
  'economy.faucet': (input) => service.faucet(input),
  'wallet.request': (input) => service.request(input),
  'wallet.show': (input) => service.show(input),
  'wallet.lock': () => {
    service.lock();
    return {};
  },
});
