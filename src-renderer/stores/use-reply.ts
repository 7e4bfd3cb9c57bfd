import { useEffect, useState } from 'react';
import { HostError, type CommandInput, type CommandName, type CommandOutput, type WireError } from '../../src-preload/bridge/index.ts';
import { useApp, useHost } from './context.ts';

type Inputless = { [N in CommandName]: CommandInput<N> extends Record<string, never> ? N : never }[CommandName];

export interface Reply<T> {
  /** The last one known; undefined until then, and on a host that does not offer it. */
  readonly value: T | undefined;
  /** Why it is not known, or not anew. */
  readonly error: WireError | undefined;
  /** What is known otherwise: the reply to a change. */
  readonly set: (value: T) => void;
}

/** What a command without input says, asked for again when the node is back. */
export function useReply<N extends Inputless>(name: N): Reply<CommandOutput<N>> {
  const { client } = useApp();
  const isOnline = useHost(({ link }) => link === 'online');
  const [reply, setReply] = useState<{ readonly value?: CommandOutput<N>; readonly error?: WireError }>({});
  useEffect(() => {
    if (!isOnline) return undefined;
    let isCurrent = true;
    client.call(name, {} as CommandInput<N>).then((value) => { if (isCurrent) setReply({ value }); }, (failure: unknown) => {
      if (isCurrent && failure instanceof HostError && failure.code !== 'API_UNSUPPORTED') setReply((before) => ({ ...before, error: failure.wire }));
    });
    return () => { isCurrent = false; };
  }, [client, isOnline, name]);
  return { value: reply.value, error: reply.error, set: (value) => setReply({ value }) };
}
