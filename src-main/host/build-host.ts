import { homedir } from 'node:os';
import { startControlServer, type ControlServer, type HostService, type HostServiceEvents, type MetricsText, type PipelineLoad } from '../api/index.ts';
import { Events, toCoded, type Service, type SpawnChild } from '../base/index.ts';
import { peerService, tellPeers } from './capability/peer-service.ts';
import { ChatModel } from './chat-model.ts';
import { CompletionModel } from './completion-model.ts';
import { openChats } from './open-chats.ts';
import type { Settings } from './config.ts';
import { EmbeddingModel } from './embedding-model.ts';
import { inviteService } from './invite-service.ts';
import { metricsText } from './metrics-text.ts';
import { netOf } from './net-doctor/net-now.ts';
import { createNode } from './node.ts';
import { manageService } from './manage-service.ts';
import { findModel, type ModelFile } from './model-file.ts';
import { appVersion, type AppPaths } from './paths.ts';
import { partName } from '../store/index.ts';
import { shareStore, type Sharing } from './share-store.ts';

export interface HostOptions {
  readonly settings: Settings;
  readonly paths: AppPaths;
  readonly mode: 'electron' | 'headless';
  /** Node processes that share the model; undefined = what suits the model. */
  readonly nodes: number | undefined;
  /** How children are started; by default a fork. */
  readonly spawn?: SpawnChild;
}

/** The app without a face: what Electron shows in a window and headless serves to a browser. */
export interface Host extends Service {
  readonly api: HostService;
  readonly metrics: MetricsText;
  readonly paths: AppPaths;
}

/** For the model inside, which is small enough to show a pipeline on one machine; a larger one would only get slower. */
const BUILT_IN_NODES = 3;

/** What programs call the model: as `model ls` does. */
const servedName = ({ name }: ModelFile): string => partName(name)?.stem ?? name.replace(/\.gguf$/i, '');

export async function buildHost({ settings, paths, mode, nodes, spawn }: HostOptions): Promise<Host> {
  const { config } = settings;
  const events = new Events<HostServiceEvents>();
  const file = await findModel(config.model, { paths, config });
  const node = await createNode({ settings, paths, shards: [], identity: 'file', spawn, models: () => chat.offers });
  const chat: ChatModel = new ChatModel({ settings, paths, node, events, spawn, nodes: nodes ?? (file.isBuiltIn ? BUILT_IN_NODES : 1) });
  const embeddings = config.embeddingModel === undefined ? undefined : new EmbeddingModel({ folder: config.embeddingModel, threads: config.threads, paths, logger: node.logger, spawn });
  const chats = openChats({ home: config.home, answerer: chat, logger: node.logger, contextTokens: config.contextTokens });
  const version = appVersion(paths);
  const [peers, net] = [peerService(node), netOf(node)];
  let isUp = false;
  const api: HostService = {
    events, chat, completions: new CompletionModel({ chat, id: servedName(file), model: config.model }), ...(embeddings === undefined ? {} : { embeddings }), manage: manageService(settings),
    invites: inviteService(node, config), ...(chats === undefined ? {} : { conversations: chats }),
    status: () => chat.status,
    stages: () => chat.stages,
    activity: () => chat.activity,
    load: (): PipelineLoad => chat.load ?? { answers: [], waiting: 0 },
    ...peers,
    net: async () => {
      const [now, status] = [await net(), chat.status];
      return isUp || status.kind !== 'error' ? now : { ...now, trouble: { code: status.code, message: status.message, ...(status.next === undefined ? {} : { next: status.next }) } };
    },
    info: () => ({
      name: 'OmniNode', version, platform: `${process.platform} ${process.arch}`, node: process.versions.node, mode,
      dataDirLabel: config.home.replace(homedir(), '~'), peerId: node.mesh.peerId, addresses: chat.isStarted ? [...node.mesh.addresses()] : [],
      ...(chat.model === undefined ? {} : { model: chat.model }),
    }),
  };
  const metrics = metricsText(node);
  let control: ControlServer | undefined;
  let sharing: Promise<Sharing | undefined> | undefined;
  let isStopping = false;
  // After the model: nobody waits for it here.
  const share = (): Promise<Sharing | undefined> => shareStore({ config, paths, mesh: node.mesh, logger: node.logger, spawn }).catch((error: unknown) => {
    const { code, message } = toCoded(error);
    node.logger.warn({ code, message }, 'shards are not shared');
    return undefined;
  });
  tellPeers(node, peers, events);
  events.on('stages', () => node.presence?.changed());
  events.on('activity', ({ answering }) => { if (answering > 0) node.presence?.computing(); });
  return {
    name: 'host', api, paths,
    metrics,
    start: async () => {
      // A host that its owner's commands cannot ask is still a host.
      control = await startControlServer({ host: api, metrics, home: config.home, logger: node.logger }).catch((error: unknown) => {
        node.logger.warn({ code: toCoded(error).code }, 'commands cannot ask this host for its status');
        return undefined;
      });
      embeddings?.start();
      try {
        await node.start();
        isUp = true;
        await chat.start().finally(() => { if (!isStopping) sharing = share(); });
      } catch (error) {
        const { code, message, next } = toCoded(error);
        chat.setStatus({ kind: 'error', code, message, ...(next === undefined ? {} : { next }) });
        throw error;
      }
    },
    stop: async () => {
      isStopping = true;
      // Others hear at once that this node goes, and do not wait for its model to be unloaded.
      await node.presence?.stop();
      await control?.stop();
      await embeddings?.stop();
      await chats?.close();
      await chat.stop();
      await (await sharing)?.stop();
      await node.stop();
    },
  };
}
