import type { SetupService } from '../ports.ts';
import type { Handlers } from './handlers.ts';

export const setupHandlers = (service: SetupService): Handlers => ({
  'setup.get': () => service.get(),
  'setup.finish': (choices) => service.finish(choices),
  'setup.skip': () => service.skip(),
});
