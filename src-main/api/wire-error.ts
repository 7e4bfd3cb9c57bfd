import { CodedError, type Logger, type WireError as BaseWireError } from '../base/index.ts';
import type { WireError } from '../../src-preload/bridge/index.ts';
import { apiErrors } from './errors.ts';

// Both directions must compile: the bridge writes the shape out a second time, and it must stay the same.
const asBridge = (wire: BaseWireError): WireError => wire;
export const asBase = (wire: WireError): BaseWireError => wire;

/** What a client is told. An unknown failure goes to the log with its cause, and out as API_INTERNAL. */
export function toWireError(error: unknown, logger: Logger): WireError {
  if (error instanceof CodedError) return plain(asBridge(error.toWire()));
  logger.error({ err: error }, 'unexpected failure');
  return plain(asBridge(apiErrors.internal({}).toWire()));
}

// Meta may hold anything its domain put there; only what JSON can say crosses a transport.
const plain = (wire: WireError): WireError => ({ ...wire, meta: jsonObject(wire.meta) });

function jsonObject(meta: Readonly<Record<string, unknown>>): Record<string, unknown> {
  try {
    return JSON.parse(JSON.stringify(meta, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)));
  } catch {
    return {};
  }
}
