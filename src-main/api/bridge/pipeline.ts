import type { PipelineService } from '../ports.ts';
import type { Handlers } from './handlers.ts';
import type { Hub } from './hub.ts';

export const pipelineHandlers = (service: PipelineService, hub: Pick<Hub, 'watch'>): Handlers => ({
  'pipeline.samples': (input) => service.samples(input),
  'pipeline.watch': ({ isOn }, sink) => {
    hub.watch(sink, isOn);
    return {};
  },
  'pipeline.history': (input) => service.history(input),
  'pipeline.answer': (input) => service.answer(input),
  'pipeline.forget': () => service.forget(),
  'pipeline.plan': () => service.plan(),
});
