import type { ContributeService } from '../ports.ts';
import type { Handlers } from './handlers.ts';

export const contributeHandlers = (service: ContributeService): Handlers => ({
  'contribute.get': () => service.get(),
  'contribute.set': (change) => service.set(change),
  'contribute.pause': ({ ms }) => service.pause(ms),
  'contribute.resume': () => service.resume(),
});
