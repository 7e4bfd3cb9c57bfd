import { silentLogger, type Logger } from '../base/index.ts';
import { startHttpServer, tlsFiles, type HostService, type MetricsText } from '../api/index.ts';

/** What a headless start needs of a host; `Host` of src-main/host is one. */
export interface ServedHost {
  readonly api: HostService;
  readonly metrics: MetricsText;
  start(): Promise<void>;
  stop(): Promise<unknown>;
}

export interface HeadlessInit {
  readonly host: ServedHost;
  readonly settings: {
    readonly config: {
      readonly home: string; readonly httpHost: string; readonly httpPort: number; readonly apiOrigins: readonly string[];
      readonly httpTlsCert?: string | undefined; readonly httpTlsKey?: string | undefined; readonly httpWithoutTls: boolean;
    };
    readonly secrets: { readonly uiToken: string };
  };
  /** Folder of the built page. */
  readonly renderer: string;
  readonly logger?: Logger;
}

export interface HeadlessServer {
  /** The link to print; it holds the key. */
  readonly url: string;
  /** What clients of OpenAI's API call the base URL: `http://127.0.0.1:4180/v1`. It holds no key. */
  readonly apiUrl: string;
  /** Settles when the host has started; the page is there before and shows its progress. */
  readonly started: Promise<void>;
  /** Stops the server, then the host. */
  stop(): Promise<void>;
}

/** Serves a host to browsers: of this machine, with TLS also of a network. Resolves as soon as the page can be opened. Throws API_NEEDS_TLS, API_TLS_*, API_PORT_IN_USE. */
export async function startHeadless({ host, settings, renderer, logger = silentLogger }: HeadlessInit): Promise<HeadlessServer> {
  const { config, secrets } = settings;
  const tls = tlsFiles(config.httpTlsCert, config.httpTlsKey);
  const options = { host: config.httpHost, port: config.httpPort, key: secrets.uiToken, withoutTls: config.httpWithoutTls, ...(tls === undefined ? {} : { tls }) };
  const server = await startHttpServer({ host: host.api, metrics: host.metrics, logger, renderer, options, access: { home: config.home, origins: config.apiOrigins } });
  const started = host.start();
  // Whoever awaits `started` gets the failure; with nobody waiting it is still shown by the page.
  started.catch((error: unknown) => logger.error({ err: error }, 'the host did not start'));
  return {
    url: server.url,
    apiUrl: `${server.address}v1`,
    started,
    stop: async () => {
      await server.stop();
      await host.stop();
    },
  };
}
