import type { CommandName, CommandOutput, CommandParsed } from '../../../src-preload/bridge/index.ts';
import type { AttachmentService } from '../ports.ts';

type Handlers = { readonly [N in CommandName]?: (input: CommandParsed<N>) => CommandOutput<N> | Promise<CommandOutput<N>> };

export const attachmentHandlers = (service: AttachmentService): Handlers => ({
  'attachments.upload': (input) => service.upload(input),
  'attachments.read': (input) => service.read(input),
  'attachments.cost': (input) => service.cost(input),
  'attachments.text': (input) => service.text(input),
  'attachments.discard': (input) => service.discard(input),
});
