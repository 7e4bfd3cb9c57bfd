import type { CommandParsed } from '../../../src-preload/bridge/index.ts';
import type { HostService } from '../ports.ts';
import type { Handlers } from './handlers.ts';

/** What the app around the page does; of each part only where there is one. */
export const shellHandlers = ({ links, desktop, updates, hubToken }: HostService): Handlers => ({
  ...(links === undefined ? {} : {
    'link.join': ({ id }: CommandParsed<'link.join'>) => links.join(id),
    'link.dismiss': ({ id }: CommandParsed<'link.dismiss'>) => {
      links.dismiss(id);
      return {};
    },
  }),
  ...(desktop === undefined ? {} : {
    'desktop.get': () => desktop.get(),
    'desktop.set': (change: CommandParsed<'desktop.set'>) => desktop.set(change),
    'desktop.restart': () => {
      desktop.restart();
      return {};
    },
  }),
  ...(updates === undefined ? {} : {
    'update.check': () => updates.check(),
    'update.install': () => {
      updates.install();
      return {};
    },
  }),
  ...(hubToken === undefined ? {} : { 'hubToken.get': () => hubToken.state(), 'hubToken.set': ({ token }: CommandParsed<'hubToken.set'>) => hubToken.set(token) }),
});
