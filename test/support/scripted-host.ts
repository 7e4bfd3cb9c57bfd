import { join } from 'node:path';
import { CodedError, Events, asPeerId, silentLogger } from '../../src-main/base/index.ts';
import { Chats, type ModelReader, type RatedAnswer } from '../../src-main/chats/index.ts';
import { attachmentService } from '../../src-main/host/attachments/index.ts';
import { NetChecks, type CheckSink } from '../../src-main/host/network/net-checks.ts';
import { OfferedLinks } from '../../src-main/host/offered-links.ts';
import { qrRows } from '../../src-main/host/qr-code.ts';
import type { ChatPart, ChatRequest, ContributeService, DesktopService, EconomyService, HostService, HostServiceEvents, HubTokenService, InviteService, MetricsText, NetworkService, SetupService, UpdateService } from '../../src-main/api/index.ts';
import { ScriptedModels } from './scripted-models.ts';
import { ScriptedPipeline } from './scripted-pipeline.ts';
import type { AboutPeer, Blocked, ChatFinish, CommandParsed, Desktop, HostInfo, HostStatus, HubTokenState, Invitation, JoinPlan, Known, Member, NetCheck, NetFinding, Paying, Peer, PipelineActivity, Stage, Standing, UpdateState } from '../../src-preload/bridge/index.ts';

export const STAGES: readonly Stage[] = [0, 1, 2].map((index) => ({
  peerId: asPeerId(`12D3KooWScriptedPeerNumber${index}`), ownership: 'this-machine', layers: [index * 2, index * 2 + 1],
  bytesLoaded: 1_400_000 + index * 310_000, backend: 'cpu', state: 'ready', msPerToken: 7.9 + index,
}));

export const PEERS: readonly Peer[] = STAGES.slice(1).map((stage, index) => ({
  peerId: stage.peerId, address: `/ip4/127.0.0.1/tcp/4100${index}`, direction: 'outbound', transport: 'tcp + tls + yamux', route: 'direct', why: 'the only connection', rttMs: 0.4,
}));

/** One that is connected, and one that is known through it. */
export const MEMBERS: readonly Member[] = [
  {
    peerId: PEERS[0]?.peerId ?? '', name: 'studio', app: 'omninode/0.1.0', startedAt: 1_800_000_000_000, since: 1_800_000_000_000, backend: 'cuda',
    machine: { os: 'linux', arch: 'x64', cpu: 'A processor', cores: 16, ramTotalBytes: 64_000_000_000, ramFreeBytes: 41_500_000_000 },
    gpus: [{ name: 'NVIDIA GeForce RTX 4090', memoryTotalBytes: 24_000_000_000 }], speed: { model: 'omni-guide', decodeTokensPerSecond: 1380, prefillTokensPerSecond: 7070 },
    models: [{ name: 'OmniNode Guide', hash: 'f'.repeat(64), totalLayers: 6, held: [[0, 5]], loaded: [[2, 3]] }],
    zone: 'private', reachability: 'public',
  },
  {
    peerId: '12D3KooWScriptedFarNode', app: 'omninode/0.1.0', startedAt: 1_800_000_000_000, since: 1_800_000_001_000,
    machine: { os: 'darwin', arch: 'arm64', cores: 8, ramTotalBytes: 16_000_000_000, hasUnifiedMemory: true, isOnBattery: true, batteryShare: 0.41 }, models: [],
  },
];

/** Behind a router, with a place at one of two relays. */
export const STANDING: Standing = {
  zone: { kind: 'private', name: '0123456789abcdef' },
  reachability: { kind: 'private', reason: 'peer 12D3KooWScriptedPeerNumber1 could not reach /ip4/203.0.113.7/tcp/4001: a router or firewall lets nobody in' },
  relays: [{ peerId: '12D3KooWScriptedRelayOne', isHeld: true }, { peerId: '12D3KooWScriptedRelayTwo', isHeld: false }],
};

export const FINISH: ChatFinish = {
  finishReason: 'stop', tokens: 12, ttftMs: 120, tokensPerSecond: 41,
  stages: STAGES.map(({ peerId, layers, bytesLoaded, msPerToken }) => ({ peerId, layers, bytesLoaded, msPerToken: msPerToken ?? 0 })),
};

const LINK = `omni://join/${'abcdefgh234567'.repeat(18)}`;
export const INVITATION: Invitation = {
  link: LINK, qr: qrRows(LINK),
  zone: 'private', hasKey: true, expiresAtMs: 1_900_000_000_000, addresses: ['/ip4/192.168.1.7/tcp/4001/p2p/12D3KooWScriptedHost'], reach: 'private',
};
export const JOIN_PLAN: JoinPlan = {
  inviter: '12D3KooWScriptedInviter', zone: 'private', zoneName: '0123456789abcdef', expiresAtMs: 1_900_000_000_000, addresses: ['/ip4/192.168.1.8/tcp/4001/p2p/12D3KooWScriptedInviter'],
  steps: ['keep the zone\'s key in zone.key, for this user alone', 'name its address in config.json (peers)'], needsRestart: true,
};

/** Blocks and knowledge that a test sets, and a check that it steps. */
export class ScriptedNetwork implements NetworkService {
  readonly list: Blocked[] = [];
  peers: readonly Known[] = [];
  addresses: AboutPeer['addresses'] = [];
  receipts: AboutPeer['receipts'];
  /** What the next check finds, piece by piece: it goes on at each `step`. */
  pieces: ReadonlyArray<readonly NetFinding[]> = [];
  target: string | undefined;
  readonly checks = new NetChecks(silentLogger);
  #step = Promise.withResolvers<void>();

  step(): void {
    this.#step.resolve();
    this.#step = Promise.withResolvers();
  }

  known(): { readonly peers: readonly Known[] } {
    return { peers: this.peers };
  }

  about({ peerId }: CommandParsed<'network.about'>): AboutPeer {
    const known = this.peers.find((one) => one.peerId === peerId);
    return { ...(known === undefined ? {} : { known }), ...(this.receipts === undefined ? {} : { receipts: this.receipts }), addresses: this.addresses };
  }

  blocked(): { readonly blocked: readonly Blocked[]; readonly total: number } {
    return { blocked: this.list, total: this.list.length };
  }

  block({ subject, reason, durationMs }: CommandParsed<'network.block'>): Blocked {
    if (subject.length < 8) throw new CodedError({ code: 'ZONE_BAD_SUBJECT', message: `"${subject}" is neither a peer id nor an IP address.`, next: 'Give a peer id.', fault: 'user' });
    const ban: Blocked = { subject, reason, sinceMs: 1_900_000_000_000, untilMs: durationMs === undefined ? null : 1_900_000_000_000 + durationMs };
    this.list.unshift(ban);
    return ban;
  }

  unblock({ subject }: CommandParsed<'network.unblock'>): { readonly wasBlocked: boolean } {
    const index = this.list.findIndex((ban) => ban.subject === subject);
    if (index >= 0) this.list.splice(index, 1);
    return { wasBlocked: index >= 0 };
  }

  check({ target }: CommandParsed<'network.check'>): { readonly checkId: string } {
    this.target = target;
    return { checkId: this.checks.start((sink) => this.#run(sink)) };
  }

  checked({ checkId, seen }: CommandParsed<'network.checked'>): Promise<NetCheck> {
    return this.checks.news(checkId, seen);
  }

  cancelCheck({ checkId }: CommandParsed<'network.cancelCheck'>): { readonly isCancelled: boolean } {
    return { isCancelled: this.checks.cancel(checkId) };
  }

  async #run(sink: CheckSink): Promise<void> {
    sink.doing('Trying again 2 nodes that are not connected; that takes 15 s at most');
    for (const findings of this.pieces) {
      sink.found(findings);
      await this.#step.promise;
    }
  }
}

/** `count` peers as a real mesh has them: many kinds of links, machines and distances; the same at each call but for what `turn` changes. */
export function crowd(count: number, turn = 0): { readonly peers: readonly Peer[]; readonly members: readonly Member[]; readonly known: readonly Known[] } {
  const names = ['studio', 'attic', 'garage-server', 'kitchen', 'lab-rack', 'laptop-anna', 'mini', 'workshop'];
  const id = (index: number): string => `12D3KooWCrowd${(Math.imul(index + 1, 2_654_435_761) >>> 0).toString(36).padStart(7, 'k')}${index}`;
  const all = Array.from({ length: count }, (_, index) => index);
  const peers = all.filter((index) => index % 11 !== 10).map((index): Peer => ({
    peerId: id(index), address: `/ip4/192.168.${index % 7}.${index % 250}/tcp/4001`, direction: index % 2 === 0 ? 'outbound' : 'inbound', transport: ['tcp + tls + yamux', 'quic', 'webrtc', 'tcp + tls + yamux'][index % 4] ?? 'quic',
    route: index % 9 === 8 ? 'relayed' : 'direct', why: index % 9 === 8 ? 'no direct connection' : 'the only connection',
    ...(index % 8 === 7 ? {} : { rttMs: 0.4 * 1.9 ** (index % 10) + (turn % 7) * 0.01, minRttMs: 0.4 * 1.9 ** (index % 10), jitterMs: 0.05 + index * 0.01 }),
    ...(index % 3 === 0 ? { throughput: { bytesPerSecond: 10 ** (6 + (index % 4)), kind: 'measured' as const } } : {}), sentBytes: 1_200_000 + turn * 1000, receivedBytes: 52_000_000, agent: 'omninode',
  }));
  const members = all.filter((index) => index % 5 !== 4 || index % 11 === 10).map((index): Member => ({
    peerId: id(index), name: `${names[index % names.length] ?? ''}${index < names.length ? '' : `-${index}`}`, app: 'omninode/0.1.0', startedAt: 1_800_000_000_000, since: 1_700_000_000_000 - index * 3_600_000,
    machine: { os: 'linux', arch: 'x64', cores: 8, ramTotalBytes: (8 << (index % 4)) * 1e9, ramFreeBytes: (4 << (index % 4)) * 1e9 - turn * 1e6 },
    ...(index % 4 === 0 ? { gpus: [{ name: 'NVIDIA GeForce RTX 4090', memoryTotalBytes: 24e9 }] } : {}), ...(index % 2 === 0 ? { speed: { model: 'omni-guide', decodeTokensPerSecond: 300 + index, prefillTokensPerSecond: 4000 } } : {}),
    models: [], zone: 'local', reachability: 'unknown',
  }));
  return { peers, members, known: peers.map(({ peerId }, index) => ({ peerId, isNamed: index === 0, isConnected: true, faults: index % 37 === 5 ? 2.4 : 0, topicScore: 0.5 })) };
}

type Script = (request: ChatRequest) => AsyncIterable<ChatPart>;

/** A host whose answers a test writes: real ports and events, no model. */
export class ScriptedHost implements HostService {
  readonly events = new Events<HostServiceEvents>();
  readonly requests: ChatRequest[] = [];
  script: Script = echo;
  /** What the owner thinks of answers that a script said were paid for. */
  rate: (rated: RatedAnswer) => void = () => undefined;
  /** Four characters are a token; the context is the one that info() tells. */
  reader: ModelReader = { modelId: 'OmniNode Guide', contextTokens: 1024, count: async (text) => Math.ceil(text.length / 4) };
  /** Real ones, in memory. */
  conversations = new Chats({ path: ':memory:', answerer: { chat: (request) => this.#answer(request) }, reader: following(() => this.reader), rater: { rate: async (rated) => this.rate(rated) }, logger: silentLogger, options: { saveEveryMs: 20 } });
  attachments = attachmentService({ chats: this.conversations, pdfWorker: join(import.meta.dirname, '..', '..', 'src-main', 'documents', 'pdf-worker.ts') });
  pipeline = new ScriptedPipeline(this.events);
  models = new ScriptedModels(this.events);
  /** Of tests that need them. */
  contribute?: ContributeService;
  economy?: EconomyService;
  setup?: SetupService;
  /** Links that were joined. */
  readonly joined: string[] = [];
  invites: InviteService = {
    create: async (ttlMs) => ({ ...INVITATION, expiresAtMs: INVITATION.expiresAtMs + ttlMs }),
    check: async (link) => planOf(link),
    join: async (link) => {
      this.joined.push(link);
      return planOf(link);
    },
  };
  network = new ScriptedNetwork();
  readonly links = new OfferedLinks(this.invites, this.events);
  /** Tokens that were given to keep, null for one forgotten. */
  readonly hubTokens: (string | null)[] = [];
  hubToken: HubTokenService = {
    state: async () => this.#hubToken(),
    set: async (token) => {
      this.hubTokens.push(token);
      return this.#hubToken();
    },
  };
  restarts = 0;
  mode: HostInfo['mode'] = 'headless';
  desktop: DesktopService = {
    get: async () => this.#desktop,
    set: async (change) => (this.#desktop = { ...this.#desktop, ...change }),
    restart: () => { this.restarts += 1; },
  };
  updates: UpdateService = {
    state: () => this.#update,
    check: () => {
      this.setUpdate({ kind: 'checking' });
      return this.#update;
    },
    install: () => { throw new CodedError({ code: 'ELECTRON_NO_UPDATE', message: 'nothing was downloaded', fault: 'user' }); },
  };
  #update: UpdateState = { kind: 'idle' };
  #desktop: Desktop = { openAtLogin: false, canOpenAtLogin: true, closeToTray: false, hasTray: true, notifications: true };
  #status: HostStatus = { kind: 'ready' };
  #stages = STAGES;
  #peers = PEERS;
  #members: readonly Member[] = [];
  #standing: Standing = { zone: { kind: 'local' }, reachability: { kind: 'unknown', reason: 'no peer has tried yet' }, relays: [] };

  info(): HostInfo {
    return {
      name: 'scripted', version: '0.1.0', platform: 'linux x64', node: 'v24', mode: this.mode, dataDirLabel: '~/.omninode', addresses: [],
      model: { name: 'OmniNode Guide', layers: 6, sizeBytes: 5_130_000, contextTokens: 1024 }, peerId: '12D3KooWScriptedHost',
    };
  }

  status(): HostStatus {
    return this.#status;
  }

  stages(): readonly Stage[] {
    return this.#stages;
  }

  peers(): readonly Peer[] {
    return this.#peers;
  }

  members(): readonly Member[] {
    return this.#members;
  }

  self(): Member {
    return { ...MEMBERS[1]!, peerId: '12D3KooWScriptedHost', name: 'this one' };
  }

  setMembers(members: readonly Member[]): void {
    this.#members = members;
    this.events.emit('members', members);
  }

  standing(): Standing {
    return this.#standing;
  }

  setStanding(standing: Standing): void {
    this.#standing = standing;
    this.events.emit('standing', standing);
  }

  setPeers(peers: readonly Peer[]): void {
    this.#peers = peers;
    this.events.emit('peers', peers);
  }

  setActivity(activity: PipelineActivity): void {
    this.events.emit('activity', activity);
  }

  setPaying(paying: Paying | undefined): void {
    this.events.emit('paying', paying);
  }

  setStatus(status: HostStatus): void {
    this.#status = status;
    this.events.emit('status', status);
  }

  setUpdate(update: UpdateState): void {
    this.#update = update;
    this.events.emit('update', update);
  }

  setStages(stages: readonly Stage[]): void {
    this.#stages = stages;
    this.events.emit('stages', stages);
  }

  #hubToken(): HubTokenState {
    return { from: typeof this.hubTokens.at(-1) === 'string' ? 'kept' : 'none', keeping: 'sealed' };
  }

  #answer(request: ChatRequest): AsyncIterable<ChatPart> {
    this.requests.push(request);
    return this.script(request);
  }
}

/** What a test puts in its place later counts too. */
const following = (now: () => ModelReader): ModelReader => new Proxy({} as ModelReader, { get: (_, key) => Reflect.get(now(), key) });

function planOf(link: string): JoinPlan {
  if (link !== INVITATION.link) throw new CodedError({ code: 'INVITE_EXPIRED', message: 'this invitation was good until yesterday', next: 'Ask for a new one.', fault: 'user' });
  return JOIN_PLAN;
}

/** Answers with the last question, word by word. */
export async function* echo({ messages }: ChatRequest): AsyncGenerator<ChatPart> {
  for (const word of (messages.at(-1)?.content ?? '').split(/(?<= )/)) yield { text: word };
  yield { done: FINISH };
}

/** Writes `text`, then waits for the stop. */
export const untilStopped = (text: string): Script => async function* ({ signal }) {
  yield { text };
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  yield { done: { finishReason: 'cancelled', tokens: 1, stages: [] } };
};

export const NO_METRICS: MetricsText = { contentType: 'text/plain; version=0.0.4', text: async () => '# none\n' };
