import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { DAYS } from './contribute/schedule.ts';
import { chainConfigSchema } from './economy/chain-schema.ts';
import type { SecretKeeping } from '../base/index.ts';
import { hostErrors } from './errors.ts';
import { HubToken } from './secrets/hub-token.ts';

export const MAX_NAMED_PEERS = 64;
/** Where a node listens that is to be found on its network, unless its owner said where. */
const ON_THE_NETWORK = ['/ip4/0.0.0.0/tcp/0'];

const port = z.coerce.number().int().min(0).max(65_535);
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time like 22:30');
/** SUM, at most as fine as the chain counts. */
const sum = z.string().regex(/^(?=.*[1-9])\d{1,9}(\.\d{1,18})?$/, 'must be an amount of SUM like 0.5');
const isOn = z.union([z.boolean(), z.enum(['1', '0', 'true', 'false']).transform((v) => v === '1' || v === 'true')]);

/** Everything that may be shown, logged and kept in a file. Units are in the names. */
export const configSchema = z.strictObject({
  home: z.string().min(1),
  model: z.string().min(1).default('omni-guide'),
  /** Who computes the app's chats: processes of this machine, members of the mesh that serve others, or, `auto`, this machine where the model fits and else both. */
  chatOver: z.enum(['this-machine', 'auto', 'mesh']).default('auto'),
  /** What other nodes call this one; left out, they see its peer id. */
  name: z.string().trim().min(1).max(100).optional(),
  /** Whether the speed of this machine is measured, once, when it has nothing else to do, and told to others. */
  calibrate: isOn.default(true),
  listen: z.array(z.string().startsWith('/')).max(16).default(['/ip4/127.0.0.1/tcp/0']),
  mdns: isOn.default(false),
  /** Members of the mesh that a node stays connected to, and that are asked who has what: multiaddrs that end in a peer id. */
  peers: z.array(z.string().regex(/^\/.+\/p2p\/[^/]+$/, 'must be an address as `omninode listen` prints it')).max(MAX_NAMED_PEERS).default([]),
  /** Whom this node meets: peers of this machine and of private networks, members of a private zone, anybody. */
  zone: z.enum(['local', 'private', 'public']).default('local'),
  /** The key of a private zone; left out, `zone.key` in the home. */
  zoneKeyFile: z.string().min(1).optional(),
  /** Peer ids that a private zone is made of; with a key, who may use it. */
  allowPeers: z.array(z.string().regex(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/, 'must be a peer id as `omninode listen` prints it')).max(1024).default([]),
  /** New sessions a second that one address of others may begin; more where many nodes share an address. */
  sessionsPerSecond: z.coerce.number().int().min(1).max(100_000).default(10),
  /** Relays at which this node keeps a place, so that it is reached from behind a router: addresses as `omninode listen` prints them. */
  relays: z.array(z.string().regex(/^\/.+\/p2p\/[^/]+$/, 'must be an address as `omninode listen` prints it')).max(8).default([]),
  /** Carries connections of others who cannot reach each other, and tells them what their addresses look like (STUN). */
  relay: isOn.default(false),
  /** STUN servers for WebRTC, `stun:<host>:<port>`; left out, those of the relays. */
  stun: z.array(z.string().regex(/^stun:[^\s/]+:\d{1,5}$/, 'must be stun:<host>:<port>')).max(8).default([]),
  /** UDP port at which a relay serves STUN; 0: it does not. */
  stunPort: port.default(3478),
  /** Asks the router of this network to let others in. */
  portMapping: z.enum(['off', 'upnp', 'nat-pmp']).default('off'),
  /** CPU threads of a stage; left out, it is chosen by what there is to compute. */
  threads: z.coerce.number().int().min(1).max(512).optional(),
  gpuLayers: z.coerce.number().int().min(-1).max(10_000).default(-1),
  /**
   * Rows of a prompt's micro-batch: always so many; or up to 256, `fair`: fewer where others wait too long for them, `auto`: that and what brings
   * the first token soonest. Part of an answer's bits.
   */
  batchTokens: z.union([z.enum(['fair', 'auto']), z.coerce.number().int().min(1).max(4096)]).default('fair'),
  /** What one of them should take at most on this node's stages while others' answers wait for it. */
  prefillSliceMs: z.coerce.number().min(1).max(60_000).default(100),
  contextTokens: z.coerce.number().int().min(64).max(1_048_576).default(1024),
  /** Most bytes of shards in the home folder; left out, what the disk holds. */
  storeQuotaBytes: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  /** Whether shards of the store are given to others, and announced. */
  shareStore: isOn.default(true),
  /** Whether the node takes part in the mesh's own DHT, which knows who has what. */
  dht: isOn.default(true),
  /** Members that are connected by itself, those named included: out of the address book, then by the word of others. */
  targetPeers: z.coerce.number().int().min(0).max(64).default(8),
  /** Whether members are asked whom they know, and told. */
  peerExchange: isOn.default(true),
  /** Most that measuring the links to connected peers may take, both directions; 0: they are not measured but for plans. */
  probeBytesPerMinute: z.coerce.number().int().min(0).max(1_000_000_000).default(1_048_576),
  /** Most that is sent of shards to others, over all of them; left out, what the line takes. */
  uploadBytesPerSecond: z.coerce.number().int().min(1).optional(),
  /** For whom this node fetches layers that it lacks, to take over a stage: peers on this machine and on private networks, everybody, nobody. */
  fetchLayersFor: z.enum(['nobody', 'local', 'anybody']).default('local'),
  /** How long a peer that takes over may fetch its layers before another is tried. */
  fetchTimeoutMs: z.coerce.number().int().min(1000).max(86_400_000).default(900_000),
  /** Whether the app computes layers for others whom the zone lets in; `listen` and clusters do what they were started for either way. */
  contribute: isOn.default(false),
  /** Memory for others' layers, weights and caches; left out, what is free. */
  contributeMemoryBytes: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  /** CPU threads of others' stages; left out, as `threads` says. */
  contributeThreads: z.coerce.number().int().min(1).max(512).optional(),
  /** Layers of others on the GPU, 0: none; left out, as `gpuLayers` says. */
  contributeGpuLayers: z.coerce.number().int().min(-1).max(10_000).optional(),
  /** Not on battery, where there is one. */
  contributeOnlyOnPower: isOn.default(true),
  /** Only once nobody has touched keyboard or mouse for so long; where that cannot be known it does not count. */
  contributeAfterIdleMs: z.coerce.number().int().min(10_000).max(86_400_000).optional(),
  /** Not while other programs use more than this share of all processors. */
  contributeMaxLoad: z.coerce.number().min(0.05).max(1).optional(),
  /** Hours of weekdays, local time; empty: at any time. */
  contributeSchedule: z.array(z.strictObject({ days: z.array(z.enum(DAYS)).min(1).max(7), from: clockTime, to: clockTime })).max(14).default([]),
  /** SUM for 1,000 tokens of one layer: others are served for pay alone (docs/protocols/pay.md); left out, for nothing. */
  payPrice: sum.optional(),
  /** Most SUM that a session over paid nodes may cost; left out, nobody is paid, and nodes that want pay are not planned with. */
  payUpTo: sum.optional(),
  /** Blocks also to and from IPFS nodes, over bitswap. */
  bitswap: isOn.default(true),
  httpHost: z.string().min(1).default('127.0.0.1'),
  httpPort: port.default(0),
  /** PEM files: the page and the API over TLS. */
  httpTlsCert: z.string().min(1).optional(),
  httpTlsKey: z.string().min(1).optional(),
  /** Serves a network where everybody can read what is sent. */
  httpWithoutTls: isOn.default(false),
  /** Folder of an ONNX embedding model in the layout of transformers.js, for the API; left out, there are no embeddings. */
  embeddingModel: z.string().min(1).optional(),
  /** Where SUM lives: nowhere, on a test chain that the app runs itself, or on a chain that is named. */
  chain: z.union([z.enum(['off', 'embedded']), chainConfigSchema]).default('embedded'),
  /** Other sites whose pages may use the API, with a key. */
  apiOrigins: z.array(z.string().regex(/^https?:\/\/[^/\s]+$/, 'must be an origin like https://chat.example')).max(16).default([]),
  /** Where models are searched and downloaded: an origin that speaks the API of huggingface.co. */
  hubUrl: z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin).default('https://huggingface.co'),
  /** Of the desktop app: the node goes on when its window is closed, with an icon beside the clock. */
  closeToTray: isOn.default(false),
  /** Of the desktop app: what happens while nobody looks is told by the system. */
  notifications: isOn.default(true),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('warn'),
});
export type HostConfig = z.infer<typeof configSchema>;

/** Never in the config file, a log or the renderer's state. */
export interface HostSecrets {
  /** Opens the served page; new at every start unless OMNINODE_UI_TOKEN gives one. */
  readonly uiToken: string;
  /** For gated and private models; sent to the hub only. */
  readonly hubToken?: string | undefined;
}

/** What wins over the configuration's file. */
export type Override = 'environment' | 'command line';

export interface Settings {
  readonly config: HostConfig;
  readonly secrets: HostSecrets;
  /** By key, where something else than the file said it at this start. */
  readonly overrides?: Readonly<Record<string, Override>>;
  /** How secrets are sealed here, if they are. */
  readonly keeping?: SecretKeeping;
  /** Keeps the hub's token; what it keeps is in the secrets from then on. */
  readonly hubToken?: HubToken;
}

/** What one place says of the configuration. */
export type ConfigSource = Readonly<Record<string, unknown>>;
type Source = ConfigSource;
type Environment = Readonly<Record<string, string | undefined>>;

const ENV_KEYS: Readonly<Record<string, string>> = {
  OMNINODE_MODEL: 'model', OMNINODE_CHAT_OVER: 'chatOver', OMNINODE_MDNS: 'mdns', OMNINODE_THREADS: 'threads', OMNINODE_GPU_LAYERS: 'gpuLayers',
  OMNINODE_BATCH_TOKENS: 'batchTokens', OMNINODE_PREFILL_SLICE_MS: 'prefillSliceMs', OMNINODE_STORE_QUOTA_BYTES: 'storeQuotaBytes',
  OMNINODE_UPLOAD_BYTES_PER_SECOND: 'uploadBytesPerSecond', OMNINODE_SHARE_STORE: 'shareStore', OMNINODE_DHT: 'dht',
  OMNINODE_FETCH_LAYERS_FOR: 'fetchLayersFor', OMNINODE_FETCH_TIMEOUT_MS: 'fetchTimeoutMs', OMNINODE_TARGET_PEERS: 'targetPeers', OMNINODE_PEER_EXCHANGE: 'peerExchange', OMNINODE_PROBE_BYTES_PER_MINUTE: 'probeBytesPerMinute',
  OMNINODE_CONTRIBUTE: 'contribute', OMNINODE_CONTRIBUTE_MEMORY_BYTES: 'contributeMemoryBytes', OMNINODE_CONTRIBUTE_THREADS: 'contributeThreads', OMNINODE_CONTRIBUTE_GPU_LAYERS: 'contributeGpuLayers',
  OMNINODE_CONTEXT: 'contextTokens', OMNINODE_HTTP_HOST: 'httpHost', OMNINODE_HTTP_PORT: 'httpPort', OMNINODE_HTTP_TLS_CERT: 'httpTlsCert', OMNINODE_HTTP_TLS_KEY: 'httpTlsKey', OMNINODE_HTTP_WITHOUT_TLS: 'httpWithoutTls', OMNINODE_EMBEDDING_MODEL: 'embeddingModel', OMNINODE_LOG: 'logLevel',
  OMNINODE_NAME: 'name', OMNINODE_CALIBRATE: 'calibrate', OMNINODE_HUB_URL: 'hubUrl', OMNINODE_BITSWAP: 'bitswap',
  OMNINODE_ZONE: 'zone', OMNINODE_ZONE_KEY_FILE: 'zoneKeyFile', OMNINODE_SESSIONS_PER_SECOND: 'sessionsPerSecond',
  OMNINODE_CHAIN: 'chain', OMNINODE_PAY_PRICE: 'payPrice', OMNINODE_PAY_UP_TO: 'payUpTo',
  OMNINODE_RELAY: 'relay', OMNINODE_STUN_PORT: 'stunPort', OMNINODE_PORT_MAPPING: 'portMapping',
};

/** Arguments win over the environment, the environment over `<home>/config.json`, that over the defaults. */
export async function loadSettings(args: Source, env: Environment = process.env, keeping: SecretKeeping = {}): Promise<Settings> {
  const home = resolve(String(args['home'] ?? env['OMNINODE_HOME'] ?? join(homedir(), '.omninode')));
  const file = configPath(home);
  const layers: ReadonlyArray<readonly [string, Source]> = [
    [file, await readConfigFile(file)], ['environment', fromEnvironment(env)], ['command line', defined(args)],
  ];
  for (const [source, values] of layers) checkConfig(source, { ...values, home });
  const named: Source = Object.assign({}, ...layers.map(([, values]) => values));
  const parsed = configSchema.parse({ ...named, home });
  const config = parsed.mdns && named['listen'] === undefined ? { ...parsed, listen: ON_THE_NETWORK } : parsed;
  const hubToken = new HubToken({ home, hubUrl: config.hubUrl, given: hubTokenOf(config.hubUrl, env), keeping });
  // A file that cannot be used costs the token, not the start: whoever asks for its state is told why.
  await hubToken.load().catch(() => undefined);
  const overrides = Object.fromEntries(layers.slice(1).flatMap(([source, values]) => Object.keys(values).map((key) => [key, source as Override] as const)));
  return { config, overrides, hubToken, keeping, secrets: { uiToken: env['OMNINODE_UI_TOKEN'] ?? randomBytes(24).toString('base64url'), get hubToken() { return hubToken.value; } } };
}

// HF_TOKEN is what other programs keep for huggingface.co: another hub does not get to see it.
function hubTokenOf(hubUrl: string, env: Environment): string | undefined {
  const token = env['OMNINODE_HUB_TOKEN'] ?? (hubUrl === 'https://huggingface.co' ? env['HF_TOKEN'] : undefined);
  return token === '' ? undefined : token;
}

/** Throws HOST_BAD_CONFIG, which names the place and the field. */
export function checkConfig(source: string, values: Source): void {
  const result = configSchema.safeParse(values);
  const issue = result.error?.issues[0];
  if (issue === undefined) return;
  const field = issue.code === 'unrecognized_keys' ? issue.keys.join(', ') : issue.path.join('.') || 'file';
  throw hostErrors.badConfig({ source, field, reason: issue.message });
}

function fromEnvironment(env: Environment): Source {
  const pairs = Object.entries(ENV_KEYS).map(([name, key]) => [key, env[name]] as const);
  return defined(Object.fromEntries(pairs));
}

const defined = (values: Source): Source => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

export const configPath = (home: string): string => join(home, 'config.json');

/** Empty where there is none. Throws HOST_BAD_CONFIG. */
export async function readConfigFile(path: string): Promise<Source> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? '{}' : Promise.reject(error)));
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (error) {
    throw hostErrors.badConfig({ source: path, field: 'file', reason: 'is not a JSON object' }, error);
  }
}

/** The secrets that there are now: what must not be in a log or a file that is shown. */
export const knownSecrets = ({ secrets: { uiToken, hubToken } }: Settings): readonly string[] => [uiToken, ...(hubToken === undefined ? [] : [hubToken])];
