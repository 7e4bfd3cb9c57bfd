import { homedir } from 'node:os';
import { Downloads, startControlServer, type ControlServer, type HostService, type HostServiceEvents, type MetricsText, type PipelineLoad } from '../api/index.ts';
import { Events, LogLines, isCoded, toCoded, type Logger, type Service, type SpawnChild } from '../base/index.ts';
import type { LocalApi } from '../../src-preload/bridge/index.ts';
import { attachmentService, modelReader } from './attachments/index.ts';
import { peerService, tellPeers } from './capability/peer-service.ts';
import { ChatModel, type ServedFile } from './chat-model.ts';
import { failed } from './chat-status.ts';
import { CompletionModel } from './completion-model.ts';
import { Gate } from './contribute/gate.ts';
import type { MachinePort } from './contribute/machine-port.ts';
import { openContributing } from './contribute/open-contributing.ts';
import { openChats } from './open-chats.ts';
import type { EconomyHostInit, OpenWindow } from './economy/economy-host.ts';
import { economyOf } from './economy/late-economy.ts';
import { EmbeddingModel } from './embedding-model.ts';
import { setupService } from './first-run.ts';
import { inviteService } from './invite-service.ts';
import { metricsText } from './metrics-text.ts';
import { OfferedLinks } from './offered-links.ts';
import { netOf } from './net-doctor/net-now.ts';
import { NetworkAdmin } from './network/network-service.ts';
import { createNode, type Node } from './node.ts';
import { PayHost } from './paid/pay-host.ts';
import { manageService } from './manage-service.ts';
import { configPath, knownSecrets, readConfigFile, type Settings } from './config.ts';
import { MeshMemory } from './models/mesh-fit.ts';
import { HostModels } from './models/model-service.ts';
import { BUILT_IN_MODEL, findModel, type ModelFile } from './model-file.ts';
import { appVersion, type AppPaths } from './paths.ts';
import { aboutService, apiKeyService, diagnosticsOf, preferenceService, settingsService } from './settings/index.ts';
import { PipelineView, type OpenedPipeline } from './pipeline-view/pipeline-view.ts';
import { PeerReceipts } from './receipts/peer-receipts.ts';
import { partName } from '../store/index.ts';
import { shareStore } from './share-store.ts';
import { SharedFiles } from './shared-files.ts';

export interface HostOptions {
  readonly settings: Settings;
  readonly paths: AppPaths;
  readonly mode: 'electron' | 'headless';
  /** Node processes that share the model; undefined = what suits the model. */
  readonly nodes: number | undefined;
  /** How children are started; by default a fork. */
  readonly spawn?: SpawnChild;
  /** What the shell knows of the machine. */
  readonly machine?: MachinePort;
  /** Shows documents of the wallet; left out, the page links to them. */
  readonly openWindow?: OpenWindow;
  /** For tests. */
  readonly economyForTests?: EconomyHostInit['options'];
  /** Where programs reach its API, where that is not where its page is. */
  readonly localApi?: () => LocalApi | undefined;
}

/** The app without a face: what Electron shows in a window and headless serves to a browser. */
export interface Host extends Service {
  readonly api: HostService;
  readonly metrics: MetricsText;
  readonly paths: AppPaths;
  /** What it tells here can be seen on its page. */
  readonly logger: Logger;
  /** To be connected when chain and wallet are there. */
  readonly pay: PayHost;
  /** An invitation that the system handed over: shown on the page, joined only from there. Absent without a window. */
  offerLink?(link: string): Promise<void>;
}

/** For the model inside, which is small enough to show a pipeline on one machine; a larger one would only get slower. */
const BUILT_IN_NODES = 3;

/** What programs call the model: as `model ls` does. */
const servedName = ({ name }: ModelFile): string => partName(name)?.stem ?? name.replace(/\.gguf$/i, '');

/** For a field that is absent rather than undefined. */
const present = <K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } => (value === undefined ? {} : { [name]: value } as { [P in K]: V });

export async function buildHost({ settings, paths, mode, nodes, spawn, machine = {}, openWindow, economyForTests, localApi }: HostOptions): Promise<Host> {
  const { config } = settings;
  const events = new Events<HostServiceEvents>();
  const lines = new LogLines(() => knownSecrets(settings));
  const served = await servedAtFirst(settings, paths);
  const servedOf = (model: string, file: ModelFile): ServedFile => ({ model, id: servedName(file), nodes: nodes ?? (file.isBuiltIn ? BUILT_IN_NODES : 1) });
  const gate = new Gate(config);
  // For what goes by a change without a restart.
  const live: Settings = { ...settings, get config() { return gate.config; } };
  const pay = new PayHost(live, (): Node => node);
  const node: Node = await createNode({ settings, paths, shards: [], serving: gate, paid: pay.gate, identity: 'file', spawn, models: () => chat.offers, lines });
  const pipeline = new PipelineView({ node, config, events });
  const receipts = await PeerReceipts.open({ node, config, events, onWrong: (found) => pay.keepWrong(found) });
  const onOpened = (opened: OpenedPipeline): void => [pipeline, receipts].forEach((watcher) => watcher.opened(opened));
  const chat: ChatModel = new ChatModel({ settings: live, paths, node, events, spawn, pay, onOpened, served: servedOf(served.model, served.file) });
  const embeddings = config.embeddingModel === undefined ? undefined : new EmbeddingModel({ folder: config.embeddingModel, threads: config.threads, home: config.home, paths, logger: node.logger, spawn });
  const contextNow = (): number => chat.model?.contextTokens ?? gate.config.contextTokens;
  const chats = openChats({ home: config.home, answerer: chat, rater: pay, reader: modelReader({ modelId: () => chat.readyModel, contextTokens: contextNow, tokenizer: () => chat.tokenizer(), embeddings }), logger: node.logger, contextTokens: contextNow });
  const files = new SharedFiles((now) => shareStore({ config: now, paths, mesh: node.mesh, logger: node.logger, spawn }), node.logger);
  const contribute = await openContributing({ gate, node, events, machine, onSharing: (now) => files.change(now) });
  const economy = await economyOf({ node, config, paths, keeping: settings.keeping, changed: (now) => events.emit('economy', now), openWindow, options: economyForTests, pay });
  const version = appVersion(paths);
  const [peers, net] = [peerService(node), netOf(node)];
  const invites = inviteService(node, config);
  const links = mode === 'electron' ? new OfferedLinks(invites, events) : undefined;
  let isUp = false;
  const network = new NetworkAdmin({ node, config, receipts, net: () => api.net?.() ?? net() });
  const manage = manageService(live);
  const downloads = new Downloads(manage, node.logger);
  const models = new HostModels({
    settings: live, paths, chat, downloads, events, servedOf, served, self: node.mesh, members: peers.members, memory: new MeshMemory({ node, config, isUp: () => isUp }),
  });
  const api: HostService = {
    events, completions: new CompletionModel({ chat }), ...(embeddings === undefined ? {} : { embeddings }), manage, downloads, models,
    invites, ...present('links', links), ...present('hubToken', settings.hubToken), network, pipeline, contribute, ...economy?.parts, setup: setupService(config, contribute), ...(chats === undefined ? {} : { conversations: chats, attachments: attachmentService({ chats, pdfWorker: paths.pdfWorker }) }),
    settings: settingsService(settings, { config: () => gate.config, loaded: () => chat.loadedWith, adopt: (keys) => contribute.adopt(keys).then(() => economy?.look()) }), preferences: preferenceService(config.home), apiKeys: apiKeyService(config.home), about: aboutService(paths, config.home),
    logs: lines, diagnostics: () => diagnose(),
    status: () => chat.status,
    stages: () => chat.stages,
    activity: () => chat.activity, paying: () => chat.paying,
    load: (): PipelineLoad => chat.load ?? { answers: [], waiting: 0 },
    ...peers,
    net: async () => {
      const [now, status] = [await net(), chat.status];
      return isUp || status.kind !== 'error' ? now : { ...now, trouble: { code: status.code, message: status.message, ...(status.next === undefined ? {} : { next: status.next }) } };
    },
    info: () => ({
      name: 'OmniNode', version, platform: `${process.platform} ${process.arch}`, node: process.versions.node, mode,
      dataDirLabel: config.home.replace(homedir(), '~'), peerId: node.mesh.peerId, addresses: chat.isStarted ? [...node.mesh.addresses()] : [],
      ...(chat.model === undefined ? {} : { model: chat.model }), ...present('localApi', localApi?.()),
    }),
  };
  const metrics = metricsText(node);
  const diagnose = diagnosticsOf({ settings, paths, api, metrics });
  let control: ControlServer | undefined;
  let isStopping = false;
  tellPeers(node, peers, events);
  events.on('stages', () => node.presence?.changed());
  events.on('activity', ({ answering }) => { if (answering > 0) node.presence?.computing(); });
  return {
    name: 'host', api, paths, logger: node.logger, pay,
    ...(links === undefined ? {} : { offerLink: (link: string) => links.offer(link) }),
    metrics,
    start: async () => {
      // A host that its owner's commands cannot ask is still a host.
      control = await startControlServer({ host: api, metrics, home: config.home, logger: node.logger }).catch((error: unknown) => {
        node.logger.warn({ code: toCoded(error).code }, 'commands cannot ask this host for its status');
        return undefined;
      });
      embeddings?.start();
      pipeline.start();
      try {
        await node.start();
        isUp = true;
        await pay.start();
        await contribute.start();
        await economy?.start();
        await chat.start().finally(() => { if (!isStopping) void files.change(gate.config); });
      } catch (error) {
        chat.setStatus(failed(error));
        throw error;
      }
    },
    stop: async () => {
      isStopping = true;
      await contribute.stop();
      // Others hear at once that this node goes, and do not wait for its model to be unloaded.
      await node.presence?.stop();
      models.stop();
      await downloads.stop();
      await embeddings?.stop();
      await chats?.close();
      // A paid session ends with a last voucher: before the wallet is locked.
      await chat.stop();
      await economy?.stop();
      await control?.stop();
      await receipts.stop();
      pipeline.stop();
      await files.stop();
      await node.stop();
    },
  };
}

/** The model of the configuration; the one inside, where the file of the configuration names one that is gone: whoever chose it in the page must be able to choose another. */
async function servedAtFirst({ config }: Settings, paths: AppPaths): Promise<{ readonly model: string; readonly file: ModelFile; readonly missing?: string }> {
  try {
    return { model: config.model, file: await findModel(config.model, { paths, config }) };
  } catch (error) {
    const isFromFile = (await readConfigFile(configPath(config.home)))['model'] === config.model;
    if (!isCoded(error) || !isFromFile) throw error;
    return { model: BUILT_IN_MODEL, file: await findModel(BUILT_IN_MODEL, { paths, config }), missing: config.model };
  }
}
