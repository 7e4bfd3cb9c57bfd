import type { CommandParsed } from '../../../src-preload/bridge/index.ts';
import type { HostService } from '../ports.ts';
import type { Handlers } from './handlers.ts';
import type { Sink } from './hub.ts';
import type { LogFollowers } from './log-followers.ts';

/** What a host offers its owner: configuration, looks, keys, log. */
export function settingsHandlers(host: HostService, followers: LogFollowers): Handlers {
  const { settings, preferences, apiKeys, about, logs, diagnostics } = host;
  return {
    ...(settings === undefined ? {} : { 'settings.get': () => settings.get(), 'settings.set': (input: CommandParsed<'settings.set'>) => settings.set(input) }),
    ...(preferences === undefined ? {} : { 'preferences.get': () => preferences.now(), 'preferences.set': ({ change }: CommandParsed<'preferences.set'>) => preferences.set(change) }),
    ...(apiKeys === undefined ? {} : {
      'apiKeys.list': () => apiKeys.list(),
      'apiKeys.create': (input: CommandParsed<'apiKeys.create'>) => apiKeys.create(input),
      'apiKeys.remove': (input: CommandParsed<'apiKeys.remove'>) => apiKeys.remove(input),
    }),
    ...(about === undefined ? {} : { 'about.get': () => about.get(), 'about.document': (input: CommandParsed<'about.document'>) => about.document(input) }),
    ...(logs === undefined ? {} : {
      'logs.list': (input: CommandParsed<'logs.list'>) => ({ lines: logs.lines(input), lastSeq: logs.lastSeq }),
      'logs.follow': ({ isOn }: CommandParsed<'logs.follow'>, sink: Sink) => {
        followers.follow(sink, isOn);
        return {};
      },
    }),
    ...(diagnostics === undefined ? {} : { 'diagnostics.collect': () => diagnostics() }),
  };
}
