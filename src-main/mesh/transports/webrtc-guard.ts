import { once } from 'node:events';
import type { MultiaddrConnection, Upgrader } from '@libp2p/interface';
import { meshErrors } from '../errors.ts';
import { replaced } from '../node/replaced.ts';
import type { TransportFactory } from './load-transport.ts';

/** What a browser, and libdatachannel's copy of it, tells of a connection. */
type RtcConnection = EventTarget & { readonly connectionState: string };
/** Between the end of the negotiation and the word that it led to something. */
const SETTLE_MS = 1_000;
const OVER: ReadonlySet<string> = new Set(['failed', 'closed', 'disconnected']);

/**
 * libp2p's side that answers takes a connection for made also when the other one stopped negotiating because nothing got through: it would be
 * there, direct, and carry nothing. Here only those come in that really are connected.
 */
export const onlyConnected = (factory: TransportFactory): TransportFactory => (components) => {
  const { upgrader } = components;
  const upgradeInbound: Upgrader['upgradeInbound'] = async (connection, options) => {
    await expectConnected(connection);
    return upgrader.upgradeInbound(connection, options);
  };
  return factory(replaced(components, 'upgrader', replaced(upgrader, 'upgradeInbound', upgradeInbound)));
};

async function expectConnected(connection: MultiaddrConnection & { readonly peerConnection?: RtcConnection }): Promise<void> {
  const rtc = connection.peerConnection;
  const signal = AbortSignal.timeout(SETTLE_MS);
  while (rtc?.connectionState !== 'connected') {
    if (rtc === undefined || OVER.has(rtc.connectionState) || signal.aborted) throw meshErrors.handshakeFailed({ reason: 'no way between the two sides was found' });
    await once(rtc, 'connectionstatechange', { signal }).catch(() => undefined);
  }
}
