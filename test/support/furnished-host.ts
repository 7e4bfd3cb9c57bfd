import type { HostService } from '../../src-main/api/index.ts';
import { LogLines, createLogger } from '../../src-main/base/index.ts';
import { configSchema, knownSecrets, loadSettings, type ConfigSource } from '../../src-main/host/config.ts';
import { appPaths } from '../../src-main/host/index.ts';
import { aboutService, apiKeyService, collectDiagnostics, preferenceService, settingsService } from '../../src-main/host/settings/index.ts';
import type { PipelineActivity } from '../../src-preload/bridge/index.ts';
import { ScriptedContribution, SERVING } from './scripted-contribution.ts';
import { ScriptedEconomy } from './scripted-economy.ts';
import { FINISH, MEMBERS, NO_METRICS, PEERS, ScriptedHost, STAGES, STANDING } from './scripted-host.ts';
import { ANSWER, samplesUntil } from './scripted-pipeline.ts';

const ANSWER_TEXT = 'OmniNode cuts a model into **shards** of whole layers. Each node loads only its own shard, runs its layers and sends the hidden states on to the next node.\n\nThe last node picks the next token and hands it back, so the answer appears here word by word.';

const ACTIVITY: PipelineActivity = { answering: 0, waiting: 0, ttftMs: 120, itlMs: { p50: 8.2, p99: 31 }, tokens: 1_200 };

/** A scripted host with what its owner has in `home`: settings, looks, keys; `logger` writes the log that its page shows. */
export async function ownedHost(home: string, args: Readonly<Record<string, unknown>> = {}) {
  const settings = await loadSettings({ ...args, home }, { OMNINODE_UI_TOKEN: 'key-of-the-browser-test' });
  const logs = new LogLines(() => knownSecrets(settings));
  const scripted = new ScriptedHost();
  const api = { info: () => scripted.info(), status: () => scripted.status(), stages: () => scripted.stages(), peers: () => scripted.peers(), logs };
  let [now, loaded] = [settings.config, settings.config];
  const running = { config: () => now, loaded: () => loaded, adopt: async (keys: ConfigSource) => { now = configSchema.parse({ ...now, ...keys }); } };
  const use = scripted.models.use.bind(scripted.models);
  scripted.models.use = async (input) => {
    loaded = now;
    return use(input);
  };
  const host = Object.assign(scripted, {
    settings: settingsService(settings, running), preferences: preferenceService(home), apiKeys: apiKeyService(home), about: aboutService(appPaths(), home), logs,
    diagnostics: () => collectDiagnostics({ settings, paths: appPaths(), api, metrics: NO_METRICS }),
  });
  return { host, logger: createLogger('silent', undefined, logs) };
}

/** A scripted host in the middle of its life: two other machines, three stages, answers, downloads, sessions of others, its settings in `home`. */
export async function furnishedHost(home: string): Promise<ScriptedHost & HostService> {
  const { host: owned, logger } = await ownedHost(home);
  const host = Object.assign(owned, { activity: () => ACTIVITY });
  host.script = async function* () {
    yield { text: ANSWER_TEXT };
    yield { done: FINISH };
  };
  host.setMembers(MEMBERS);
  host.setStanding(STANDING);
  host.setPeers(PEERS.map((peer, index) => ({ ...peer, address: `/ip4/192.168.1.${index + 8}/tcp/4001`, jitterMs: 0.1, minRttMs: 0.3, loss: index * 0.004, sentBytes: 1_200_000, receivedBytes: 52_000_000, throughput: { bytesPerSecond: 112_000_000, kind: 'measured' } })));
  host.network.peers = PEERS.map(({ peerId }, index) => ({ peerId, isNamed: index === 0, isConnected: true, faults: index * 2.4, topicScore: 1.2 }));
  host.setStages(STAGES.map((stage) => ({ ...stage, waitMsPerToken: 0.12, wireMsPerToken: 0.38, mostWaiting: 1 })));
  host.pipeline.kept = samplesUntil(Date.now(), 12);
  host.pipeline.ended({ ...ANSWER, endedAt: Date.now() - 3_600_000 });
  host.contribute = new ScriptedContribution(host.events);
  (host.contribute as ScriptedContribution).show({ ...SERVING, isOn: true });
  host.economy = new ScriptedEconomy(host.events);
  logger.info({ peers: 2 }, 'met two others');
  logger.warn('a slow link');
  return host;
}
