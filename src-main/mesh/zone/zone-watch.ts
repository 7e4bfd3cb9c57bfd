import type { Connection } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { asPeerId, isCoded, type Clock, type CodedError, type Logger, type PeerId } from '../../base/index.ts';
import type { StreamTraffic } from '../streams/frame-stream.ts';
import type { FrameStream, ProtocolLimits } from '../types.ts';
import type { BanList } from './bans.ts';
import { Conduct } from './conduct.ts';
import { BANS_CHECK_MS, FAULT_BAN_MS, IDLE_CHECK_MS } from './constants.ts';
import { zoneErrors } from './errors.ts';
import { hostOf, hostOfConnection } from './host-of.ts';
import { IdleSessions } from './idle-sessions.ts';
import { Quotas, type MeteredTraffic } from './quotas.ts';
import type { TrustZone } from './trust-zone.ts';

export interface ZoneWatchInit {
  readonly zone: TrustZone;
  readonly bans: BanList;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly refused: (code: string) => void;
}

export interface Watched {
  /** Those that are open now. */
  connections(): readonly Connection[];
  /** Ends whatever else there is with a peer. */
  drop(peer: PeerId): void;
}

/** What becomes of sessions after they began: quotas, faults that lead to a ban, bans made meanwhile, sessions that nobody uses. */
export class ZoneWatch {
  readonly conduct: Conduct;
  readonly sessions: IdleSessions;
  readonly #quotas: Quotas;
  readonly #init: ZoneWatchInit;
  readonly #timers: NodeJS.Timeout[] = [];
  #watched: Watched | undefined;

  constructor(init: ZoneWatchInit) {
    this.#init = init;
    this.conduct = new Conduct(init.clock, (peer, code) => void this.#ban(peer, code));
    this.sessions = new IdleSessions(init.clock);
    this.#quotas = new Quotas(init.clock);
  }

  start(watched: Watched): void {
    this.#watched = watched;
    this.#timers.push(
      setInterval(() => void this.readBans(), BANS_CHECK_MS).unref(),
      setInterval(() => this.dropIdle(), IDLE_CHECK_MS).unref(),
    );
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#watched = undefined;
  }

  /** Ends the sessions that nobody used for long; runs by itself every IDLE_CHECK_MS. */
  dropIdle(): void {
    for (const connection of this.sessions.idle(this.#watched?.connections() ?? [])) {
      const error = zoneErrors.sessionIdle({ peer: connection.remotePeer.toString() });
      this.#init.refused(error.code);
      void connection.close().catch(() => connection.abort(error));
    }
  }

  /** Why an address is not dialled, counted; undefined: it may be. */
  deniesDial(address: Multiaddr): CodedError | undefined {
    return this.#init.zone.deniesDial(address);
  }

  /** Whether a datagram from there is answered: in a private zone, where nobody can prove anything with one, if a member is connected from there. */
  answers(host: string): boolean {
    const { bans, zone } = this.#init;
    const from = hostOf(host);
    if (bans.isBanned(from) || !zone.reaches(from)) return false;
    return !zone.isPrivate || (this.#watched?.connections() ?? []).some(({ remoteAddr }) => hostOfConnection({ remoteAddr }) === from);
  }

  /** What a peer's stream is counted by. */
  trafficOf(peer: PeerId, traffic: StreamTraffic): StreamTraffic {
    return {
      ...traffic,
      refused: (code) => {
        traffic.refused(code);
        this.conduct.fault(peer, code);
      },
    };
  }

  /** Hands a peer's stream to its handler under the quotas of its protocol. */
  accept(init: AcceptInit, wrap: (traffic: StreamTraffic) => FrameStream, handler: (stream: FrameStream) => void): void {
    const metered = this.metered(init);
    this.hand(wrap(metered), { metered, limits: init.limits }, handler);
  }

  /** What a peer's stream is counted by until it is handed over. */
  metered({ peer, protocol, limits, traffic }: AcceptInit): MeteredTraffic {
    return this.#quotas.metered(this.trafficOf(peer, traffic), { peer, protocol, limits });
  }

  hand(stream: FrameStream, { metered, limits }: { readonly metered: MeteredTraffic; readonly limits: ProtocolLimits }, handler: (stream: FrameStream) => void): void {
    metered.attach(stream);
    this.sessions.used(stream.peer);
    const refusal = this.#quotas.refusalOf(stream.peer, stream.protocol, limits);
    if (refusal === undefined) handler(stream);
    else stream.abort(refusal);
  }

  async #ban(peer: PeerId, code: string): Promise<void> {
    // A new name costs a guest nothing: who brought it answers for it.
    const sponsor = this.#init.zone.sponsorOf(peer);
    const subjects = sponsor === undefined ? [peer] : [peer, sponsor];
    try {
      for (const subject of subjects) await this.#init.bans.add(subject, { reason: `too many faults, the last one ${code}`, durationMs: FAULT_BAN_MS });
      this.#init.logger.warn({ peer, code }, 'a peer is banned for its faults');
    } catch (error) {
      this.#init.logger.warn({ peer, message: isCoded(error) ? error.message : String(error) }, 'a ban could not be kept');
    }
    for (const subject of subjects) this.#drop(subject);
  }

  /** For who has just changed the list: nothing waits for the next look at it. */
  async enforceBans(): Promise<void> {
    await this.#init.bans.list();
    this.#dropBanned();
  }

  /** Before the node begins: whoever was banned before is from the first moment on. Never rejects. */
  async readBans(): Promise<void> {
    const { bans, logger } = this.#init;
    await bans.refresh().catch((error: unknown) => logger.warn({ message: isCoded(error) ? error.message : String(error) }, 'the list of bans cannot be read'));
    this.#dropBanned();
  }

  #dropBanned(): void {
    const { bans } = this.#init;
    for (const connection of this.#watched?.connections() ?? []) {
      const peer = asPeerId(connection.remotePeer.toString());
      const host = hostOfConnection({ remoteAddr: connection.remoteAddr });
      if (bans.isBanned(peer) || (host !== undefined && bans.isBanned(host))) this.#drop(peer);
    }
  }

  #drop(peer: PeerId): void {
    const error = zoneErrors.banned({ subject: peer });
    this.#init.refused(error.code);
    for (const connection of this.#watched?.connections() ?? []) if (connection.remotePeer.toString() === peer) connection.abort(error);
    this.#watched?.drop(peer);
  }
}

export interface AcceptInit {
  readonly peer: PeerId;
  readonly protocol: string;
  readonly limits: ProtocolLimits;
  readonly traffic: StreamTraffic;
}
