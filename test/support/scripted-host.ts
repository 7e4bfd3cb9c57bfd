import { CodedError, Events, asPeerId, silentLogger } from '../../src-main/base/index.ts';
import { Chats } from '../../src-main/chats/index.ts';
import { qrRows } from '../../src-main/host/qr-code.ts';
import type { ChatPart, ChatRequest, ChatService, HostService, HostServiceEvents, InviteService, MetricsText } from '../../src-main/api/index.ts';
import type { ChatFinish, HostInfo, HostStatus, Invitation, JoinPlan, Member, Peer, PipelineActivity, Stage, Standing } from '../../src-preload/bridge/index.ts';

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

type Script = (request: ChatRequest) => AsyncIterable<ChatPart>;

/** A host whose answers a test writes: real ports and events, no model. */
export class ScriptedHost implements HostService {
  readonly events = new Events<HostServiceEvents>();
  readonly requests: ChatRequest[] = [];
  chat: ChatService = { chat: (request) => this.#answer(request) };
  script: Script = echo;
  /** Real ones, in memory. */
  conversations = new Chats({ path: ':memory:', answerer: { chat: (request) => this.#answer(request) }, logger: silentLogger, options: { saveEveryMs: 20 } });
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
  #status: HostStatus = { kind: 'ready' };
  #stages = STAGES;
  #peers = PEERS;
  #members: readonly Member[] = [];
  #standing: Standing = { zone: { kind: 'local' }, reachability: { kind: 'unknown', reason: 'no peer has tried yet' }, relays: [] };

  info(): HostInfo {
    return {
      name: 'scripted', version: '0.1.0', platform: 'linux x64', node: 'v24', mode: 'headless', dataDirLabel: '~/.omninode', addresses: [],
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

  setStatus(status: HostStatus): void {
    this.#status = status;
    this.events.emit('status', status);
  }

  setStages(stages: readonly Stage[]): void {
    this.#stages = stages;
    this.events.emit('stages', stages);
  }

  #answer(request: ChatRequest): AsyncIterable<ChatPart> {
    this.requests.push(request);
    return this.script(request);
  }
}

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
