import { callResultSchema, bridgeErrors, type HostConnection, type HostVerbs } from '../../src-preload/bridge/index.ts';
import { Listeners, unwrap } from './connection.ts';

/** A connection over the preload's verbs. It ends only with the window. */
export function connectToElectron(verbs: HostVerbs): HostConnection {
  const closed = new Listeners<void>();
  let isOpen = true;
  const stops: Array<() => void> = [];
  return {
    call: async (name, input) => {
      if (!isOpen) throw bridgeErrors.disconnected();
      const result = callResultSchema.safeParse(await verbs.call(name, input));
      if (!result.success) throw bridgeErrors.badReply(name);
      return unwrap(name, result.data);
    },
    onPush: (listener) => {
      const stop = verbs.onPush(listener);
      stops.push(stop);
      return stop;
    },
    onClose: (listener) => closed.add(listener),
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      for (const stop of stops) stop();
      closed.emit();
    },
  };
}
