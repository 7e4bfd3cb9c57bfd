import type { NetworkService } from '../ports.ts';
import type { Handlers } from './handlers.ts';

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
