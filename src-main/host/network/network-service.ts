import { isIP } from 'node:net';
import type { NetNow, NetworkService } from '../../api/index.ts';
import { asPeerId, systemClock, type PeerId } from '../../base/index.ts';
import { reachOf, type Ban, type KnownPeer } from '../../mesh/index.ts';
import { NETWORK_LIMITS, type AboutPeer, type Blocked, type CommandParsed, type Known } from '../../../src-preload/bridge/index.ts';
import type { HostConfig } from '../config.ts';
import { hostErrors } from '../errors.ts';
import { factsOf } from '../net-doctor/look.ts';
import { netNow } from '../net-doctor/net-now.ts';
import { netReport } from '../net-doctor/report.ts';
import type { Node } from '../node.ts';
import { addBan, listBans, removeBan } from '../zone-admin.ts';
import { checkTarget, readTarget, type Acquaintance } from './check-target.ts';
import { NetChecks, type CheckSink } from './net-checks.ts';

export interface NetworkInit {
  readonly node: Pick<Node, 'mesh' | 'discovery' | 'presence' | 'zone' | 'logger'>;
  readonly config: HostConfig;
  readonly receipts: { of(peer: string): AboutPeer['receipts'] };
  /** After it tried again whom it does not reach. */
  readonly net: () => Promise<NetNow>;
}

/** Of what takes seconds: told once it is done. */
const SLOW_FINDINGS: readonly string[] = ['members', 'member'];

/** What the owner of a node sees and does about others: who is known and how it behaved, who is refused, why one is not reached. */
export class NetworkAdmin implements NetworkService {
  readonly #init: NetworkInit;
  readonly #checks: NetChecks;

  constructor(init: NetworkInit) {
    this.#init = init;
    this.#checks = new NetChecks(init.node.logger);
  }

  known(): { readonly peers: readonly Known[] } {
    return { peers: this.#known().slice(0, NETWORK_LIMITS.known).map((peer) => this.#view(peer)) };
  }

  about({ peerId }: CommandParsed<'network.about'>): AboutPeer {
    const known = this.#known().find(({ peer }) => peer === peerId);
    const receipts = this.#init.receipts.of(peerId);
    return {
      ...(known === undefined ? {} : { known: this.#view(known) }), ...(receipts === undefined ? {} : { receipts }),
      addresses: (this.#init.node.discovery?.addressesOf(asPeerId(peerId)) ?? []).slice(0, NETWORK_LIMITS.addresses).map(({ address, proof, failures }) => ({ address, proof, failures })),
    };
  }

  async blocked(): Promise<{ readonly blocked: readonly Blocked[]; readonly total: number }> {
    const bans = await listBans(this.#init.config);
    return { blocked: bans.toSorted((a, b) => b.sinceMs - a.sinceMs).slice(0, NETWORK_LIMITS.blocked), total: bans.length };
  }

  /** Throws ZONE_BAD_SUBJECT, ZONE_BANS_FULL, ZONE_BANS_UNREADABLE, HOST_BLOCKS_ITSELF. */
  async block({ subject, reason, durationMs }: CommandParsed<'network.block'>): Promise<Blocked> {
    const { node: { mesh }, config } = this.#init;
    if (subject === mesh.peerId || isThisMachine(subject)) throw hostErrors.blocksItself({ subject });
    const ban = await addBan(config, subject, { reason, durationMs });
    await mesh.enforceBans();
    return ban;
  }

  /** Throws ZONE_BAD_SUBJECT, ZONE_BANS_UNREADABLE. */
  async unblock({ subject }: CommandParsed<'network.unblock'>): Promise<{ readonly wasBlocked: boolean }> {
    const wasBlocked = await removeBan(this.#init.config, subject);
    await this.#init.node.mesh.enforceBans();
    return { wasBlocked };
  }

  check({ target }: CommandParsed<'network.check'>): { readonly checkId: string } {
    return { checkId: this.#checks.start((sink) => (target === undefined ? this.#checkAll(sink) : this.#checkOne(target, sink))) };
  }

  checked({ checkId, seen }: CommandParsed<'network.checked'>): ReturnType<NetworkService['checked']> {
    return this.#checks.news(checkId, seen);
  }

  cancelCheck({ checkId }: CommandParsed<'network.cancelCheck'>): { readonly isCancelled: boolean } {
    return { isCancelled: this.#checks.cancel(checkId) };
  }

  /** What `omninode net doctor` says: first what is known at once, then what had to be tried. */
  async #checkAll(sink: CheckSink): Promise<void> {
    const { node, config, net } = this.#init;
    const known = this.#known();
    const missing = known.filter(({ isConnected }) => !isConnected).length;
    sink.doing(missing === 0 ? 'Looking at this node' : `Trying again ${missing === 1 ? 'one node' : `${missing} nodes`} that ${missing === 1 ? 'is' : 'are'} not connected; that takes 15 s at most`);
    const now = netReport(await factsOf(netNow(node, known), config)).findings;
    sink.found(now.filter(({ name }) => !SLOW_FINDINGS.includes(name)));
    const { findings } = netReport(await factsOf(await net(), config));
    sink.found(findings);
  }

  async #checkOne(text: string, sink: CheckSink): Promise<void> {
    const { node: { mesh, discovery }, config } = this.#init;
    const target = readTarget(text, this.#acquaintances());
    if ('finding' in target) return sink.found([target.finding]);
    const told = target.address === undefined ? [] : [target.address];
    const addresses = [...new Set([...told, ...discovery?.addressesOf(target.peer).map(({ address }) => address) ?? []])];
    const bans = await listBans(config);
    await checkTarget({ mesh, peer: target.peer, addresses, ban: banOf(bans, target.peer, addresses) }, sink);
  }

  #known(): readonly KnownPeer[] {
    return this.#init.node.discovery?.known() ?? [];
  }

  #view({ peer, isNamed, isConnected, seenAt, failures }: KnownPeer): Known {
    return {
      peerId: peer, isNamed, isConnected, ...(seenAt === undefined ? {} : { seenAt }), ...(failures === undefined ? {} : { failures }),
      ...(isConnected ? this.#init.node.mesh.conductOf(peer) : {}),
    };
  }

  #acquaintances(): readonly Acquaintance[] {
    const { mesh, presence } = this.#init.node;
    const named = (presence?.members() ?? []).map(({ peer, profile: { name } }) => ({ peerId: peer, name }));
    const others = new Set([...mesh.peers().map(({ peer }) => peer), ...this.#known().map(({ peer }) => peer)]);
    for (const { peerId } of named) others.delete(peerId);
    return [...named, ...[...others].map((peerId) => ({ peerId }))];
  }
}

/** Of the peer itself, or of the only host where it can be. */
function banOf(bans: readonly Ban[], peer: PeerId, addresses: readonly string[]): Ban | undefined {
  const inForce = bans.filter(({ untilMs }) => untilMs === null || untilMs > systemClock.now());
  const own = inForce.find(({ subject }) => subject === peer);
  const byHost = addresses.map((address) => inForce.find(({ subject }) => isIP(subject) !== 0 && subject === hostIn(address)));
  return own ?? (byHost.length > 0 && byHost.every((ban) => ban !== undefined) ? byHost[0] : undefined);
}

const hostIn = (address: string): string | undefined => /^\/ip[46]\/([^/]+)/.exec(address)?.[1];
const isThisMachine = (subject: string): boolean => isIP(subject) !== 0 && reachOf(`/ip${isIP(subject)}/${subject}`) === 'machine';
