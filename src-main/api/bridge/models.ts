import type { ModelService } from '../ports.ts';
import type { Handlers } from './handlers.ts';

export const modelHandlers = (service: ModelService): Handlers => ({
  'models.list': (input) => service.list(input),
  'models.suggested': () => service.suggested(),
  'models.search': (input) => service.search(input),
  'models.files': (input) => service.files(input),
  'models.stopLookup': (input) => service.stopLookup(input),
  'models.download': (input) => service.download(input),
  'models.addPath': (input) => service.addPath(input),
  'models.upload': (input) => service.upload(input),
  'models.pause': (input) => service.pause(input),
  'models.resume': (input) => service.resume(input),
  'models.cancel': (input) => service.cancel(input),
  'models.dismiss': (input) => service.dismiss(input),
  'models.throttle': (input) => service.throttle(input),
  'models.dropUnfinished': (input) => service.dropUnfinished(input),
  'models.pin': (input) => service.pin(input),
  'models.remove': (input) => service.remove(input),
  'models.layers': (input) => service.layers(input),
  'models.use': (input) => service.use(input),
});
