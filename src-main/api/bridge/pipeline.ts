import type { CommandName, CommandOutput, CommandParsed } from '../../../src-preload/bridge/index.ts';
import type { PipelineService } from '../ports.ts';
import type { Hub, Sink } from './hub.ts';

type Handlers = { readonly [N in CommandName]?: (input: CommandParsed<N>, sink: Sink) => CommandOutput<N> | Promise<CommandOutput<N>> };

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
