import type { AttachmentService } from '../ports.ts';
import type { Handlers } from './handlers.ts';

export const attachmentHandlers = (service: AttachmentService): Handlers => ({
  'attachments.upload': (input) => service.upload(input),
  'attachments.read': (input) => service.read(input),
  'attachments.cost': (input) => service.cost(input),
  'attachments.text': (input) => service.text(input),
  'attachments.discard': (input) => service.discard(input),
});
