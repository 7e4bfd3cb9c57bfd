import { isLoopback, startHttpServer, type HostService, type MetricsText } from '../api/index.ts';
import { toCoded, type Logger } from '../base/index.ts';
import type { LocalApi } from '../../src-preload/bridge/index.ts';

const LOOPBACK = '127.0.0.1';

export interface LocalApiInit {
  readonly host: HostService;
  readonly metrics: MetricsText;
  readonly logger: Logger;
  readonly config: { readonly home: string; readonly httpHost: string; readonly httpPort: number; readonly apiOrigins: readonly string[] };
  /** Opens `/metrics`, besides keys of the API. */
  readonly key: string;
}

export interface ServedApi {
  readonly state: LocalApi;
  stop(): Promise<void>;
}

/**
 * OpenAI's API, `/health` and `/metrics` for programs of this machine: on loopback, whatever the configuration says of a network, and without
 * the page: the window has it, and its key would be in no link that anybody is given. Never rejects: an app whose port is taken still opens.
 */
export async function serveLocalApi({ host, metrics, logger, config, key }: LocalApiInit): Promise<ServedApi> {
  const options = { host: isLoopback(config.httpHost) ? config.httpHost : LOOPBACK, port: config.httpPort, key };
  try {
    const { address, stop } = await startHttpServer({ host, metrics, logger, options, access: { home: config.home, origins: config.apiOrigins } });
    return { state: { kind: 'serving', url: `${address}v1` }, stop };
  } catch (error) {
    const coded = toCoded(error);
    logger.warn({ code: coded.code }, 'programs cannot reach the API');
    return { state: { kind: 'failed', error: { ...coded.toWire(), meta: {} } }, stop: async () => undefined };
  }
}
