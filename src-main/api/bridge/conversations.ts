import type { Logger, Unsubscribe } from '../../base/index.ts';
import type { HostEvent } from '../../../src-preload/bridge/index.ts';
import type { ConversationService } from '../ports.ts';
import { toWireError } from '../wire-error.ts';
import type { Handlers } from './handlers.ts';

export const conversationHandlers = (service: ConversationService): Handlers => ({
  'conversations.list': (input) => service.list(input),
  'conversations.search': (input) => service.search(input),
  'conversations.create': () => service.create(),
  'conversations.open': (input) => service.open(input),
  'conversations.update': (input) => service.update(input),
  'conversations.delete': (input) => service.delete(input),
  'conversations.send': (input) => service.send(input),
  'conversations.regenerate': (input) => service.regenerate(input),
  'conversations.continue': (input) => service.continue(input),
  'conversations.stop': (input) => service.stop(input),
  'conversations.choose': (input) => service.choose(input),
  'conversations.rate': (input) => service.rate(input),
  'conversations.export': (input) => service.export(input),
  'conversations.import': (input) => service.import(input),
  'conversations.importPart': (input) => service.importPart(input),
  'conversations.importParts': (input) => service.importParts(input),
  'presets.list': () => service.presets(),
  'presets.save': (input) => service.savePreset(input),
  'presets.delete': (input) => service.deletePreset(input),
});

/** Tells every client what is said in kept conversations. Returns its end. */
export function followConversations({ events }: ConversationService, publish: (event: HostEvent) => void, logger: Logger): Unsubscribe {
  let revision = 0;
  const stops = [
    events.on('changed', ({ conversationId }) => publish({ event: 'conversations.changed', data: { revision: (revision += 1), conversationId } })),
    events.on('started', ({ answerId, conversationId, text }) => {
      publish({ event: 'chat.started', data: { requestId: answerId, conversationId } });
      if (text !== '') publish({ event: 'chat.delta', data: { requestId: answerId, text } });
    }),
    events.on('text', ({ answerId, text }) => publish({ event: 'chat.delta', data: { requestId: answerId, text } })),
    events.on('progress', ({ answerId, progress }) => publish({ event: 'chat.progress', data: { requestId: answerId, progress } })),
    events.on('done', ({ answerId, finish }) => publish({ event: 'chat.done', data: { requestId: answerId, finish } })),
    events.on('failed', ({ answerId, error }) => publish({ event: 'chat.error', data: { requestId: answerId, error: toWireError(error, logger) } })),
  ];
  return () => stops.forEach((stop) => stop());
}
