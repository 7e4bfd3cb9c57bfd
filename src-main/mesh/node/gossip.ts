import { TopicValidatorResult, type GossipsubMessage } from '@libp2p/gossipsub';
import { asPeerId, RateLimiter, type Clock, type CodedError, type Events, type PeerId, type Unsubscribe } from '../../base/index.ts';
import type { MeshMetrics } from '../metrics.ts';
import { TOPICS, type MeshEvents, type Topic, type TopicGuard } from '../types.ts';
import { AUTHOR_MESSAGES, MAX_REMEMBERED_MESSAGES, MAX_WATCHED_PEERS, MESSAGE_WINDOW_MS, NEIGHBOUR_MESSAGES } from '../zone/constants.ts';
import { zoneErrors } from '../zone/errors.ts';
import { ReplayWindow } from '../zone/replay-window.ts';
import type { ZoneWatch } from '../zone/zone-watch.ts';
import type { MeshLibp2p } from './create-libp2p.ts';
import { GossipMender } from './gossip-mender.ts';
import { onOversizedRpc } from './gossip-read-errors.ts';
import { messageError } from './topic-schema.ts';

const STREAM_POLL_MS = 20;

const isTopic = (topic: string): topic is Topic => TOPICS.some((known) => known === topic);

/** Of gossipsub's class, not of its interface. */
type Scored = { getScore(peer: string): number };

export interface GossipInit {
  readonly libp2p: MeshLibp2p;
  readonly events: Events<MeshEvents>;
  readonly metrics: Pick<MeshMetrics, 'refused'>;
  readonly watch: Pick<ZoneWatch, 'conduct' | 'sessions'>;
  readonly clock: Clock;
}

/** Publishing and hearing on the five topics. Signatures are checked by gossipsub (StrictSign) before a validator runs. */
export class Gossip {
  readonly #libp2p: MeshLibp2p;
  readonly #events: Events<MeshEvents>;
  readonly #metrics: GossipInit['metrics'];
  readonly #watch: GossipInit['watch'];
  /** gossipsub forgets a message after minutes: whoever kept one could send it again. */
  readonly #seen: ReplayWindow;
  readonly #authors: RateLimiter;
  readonly #neighbours: RateLimiter;
  readonly #guards = new Map<Topic, TopicGuard>();
  readonly #mender: GossipMender;

  constructor({ libp2p, events, metrics, watch, clock }: GossipInit) {
    this.#libp2p = libp2p;
    this.#events = events;
    this.#metrics = metrics;
    this.#watch = watch;
    this.#seen = new ReplayWindow({ windowMs: MESSAGE_WINDOW_MS, maxKeys: MAX_REMEMBERED_MESSAGES }, clock);
    this.#authors = new RateLimiter({ ...AUTHOR_MESSAGES, maxKeys: MAX_WATCHED_PEERS }, clock);
    this.#neighbours = new RateLimiter({ ...NEIGHBOUR_MESSAGES, maxKeys: MAX_WATCHED_PEERS }, clock);
    this.#mender = new GossipMender(libp2p);
    onOversizedRpc(libp2p.services.pubsub, (peer) => this.#fault(peer, zoneErrors.rpcTooLong({ peer }).code));
  }

  start(): void {
    this.#mender.start();
    const { pubsub } = this.#libp2p.services;
    pubsub.addEventListener('gossipsub:message', this.#onMessage);
    for (const topic of TOPICS) {
      pubsub.topicValidators.set(topic, (peer, message) => this.#validate(topic, asPeerId(peer.toString()), message));
      pubsub.subscribe(topic);
    }
  }

  stop(): void {
    this.#mender.stop();
    this.#libp2p.services.pubsub.removeEventListener('gossipsub:message', this.#onMessage);
  }

  guard(topic: Topic, guard: TopicGuard): Unsubscribe {
    this.#guards.set(topic, guard);
    return () => void (this.#guards.get(topic) === guard && this.#guards.delete(topic));
  }

  async publish(topic: Topic, data: Uint8Array): Promise<{ readonly recipients: number }> {
    const error = messageError(topic, data);
    if (error !== undefined) throw error;
    const { recipients } = await this.#libp2p.services.pubsub.publish(topic, data);
    return { recipients: recipients.length };
  }

  /** Peers that a text on the topic would reach now: they subscribed, and our stream to them is open. */
  subscribers(topic: Topic): readonly PeerId[] {
    const { pubsub } = this.#libp2p.services;
    const streams = this.#libp2p.getConnections().flatMap(({ remotePeer, streams }) => streams.map((stream) => ({ remotePeer, stream })));
    const reachable = new Set(streams
      .filter(({ stream }) => stream.direction === 'outbound' && stream.status === 'open' && pubsub.protocols.includes(stream.protocol))
      .map(({ remotePeer }) => remotePeer.toString()));
    return pubsub.getSubscribers(topic).map((peer) => asPeerId(peer.toString())).filter((peer) => reachable.has(peer));
  }

  /** What gossipsub makes of a peer; 0 for one that it does not know. */
  scoreOf(peer: PeerId): number {
    return (this.#libp2p.services.pubsub as unknown as Scored).getScore(peer);
  }

  /** The first peer that a text on the topic would reach, now or later. Rejects with the signal's reason. */
  waitForSubscriber(topic: Topic, signal: AbortSignal): Promise<PeerId> {
    const { pubsub } = this.#libp2p.services;
    const { promise, resolve, reject } = Promise.withResolvers<PeerId>();
    const check = (): void => {
      const [peer] = this.subscribers(topic);
      if (peer !== undefined) resolve(peer);
    };
    const onAbort = (): void => reject(signal.reason);
    pubsub.addEventListener('subscription-change', check);
    // A peer's subscription may come before our own stream to it is open, and gossipsub tells nobody when that is.
    const polling = setInterval(check, STREAM_POLL_MS);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    check();
    return promise.finally(() => {
      clearInterval(polling);
      pubsub.removeEventListener('subscription-change', check);
      signal.removeEventListener('abort', onAbort);
    });
  }

  // What does not pass is neither delivered nor forwarded.
  #validate(topic: Topic, neighbour: PeerId, message: GossipsubMessage['msg']): TopicValidatorResult {
    const unfit = message.type === 'signed' ? this.#unfit(neighbour, asPeerId(message.from.toString()), message.sequenceNumber) : undefined;
    // Not rejected: whoever passed it on in good faith, before it was too many, is not to pay.
    if (unfit !== undefined) return this.#refuse(unfit.code, TopicValidatorResult.Ignore);
    const error = messageError(topic, message.data);
    if (error !== undefined) return this.#refuse(error.code, TopicValidatorResult.Reject);
    const refusal = message.type === 'signed' ? this.#guards.get(topic)?.({ topic, from: asPeerId(message.from.toString()), data: message.data }) : undefined;
    if (refusal === undefined) return TopicValidatorResult.Accept;
    return this.#refuse(refusal.code, refusal.verdict === 'reject' ? TopicValidatorResult.Reject : TopicValidatorResult.Ignore);
  }

  /** Seen long ago, or more than its author or the neighbour that sent it may send. */
  #unfit(neighbour: PeerId, author: PeerId, number: bigint): CodedError | undefined {
    if (!this.#seen.take(`${author} ${number}`)) return zoneErrors.messageReplayed({ author });
    const isNeighbourOver = !this.#neighbours.take(neighbour);
    const isAuthorOver = !this.#authors.take(author);
    if (!isNeighbourOver && !isAuthorOver) return undefined;
    const error = zoneErrors.messageFlood({ peer: isNeighbourOver ? neighbour : author });
    if (isNeighbourOver || author === neighbour) this.#watch.conduct.fault(neighbour, error.code);
    return error;
  }

  #fault(peer: PeerId, code: string): void {
    this.#metrics.refused(code);
    this.#watch.conduct.fault(peer, code);
  }

  #refuse(code: string, result: TopicValidatorResult): TopicValidatorResult {
    this.#metrics.refused(code);
    return result;
  }

  readonly #onMessage = ({ detail: { msg, propagationSource } }: CustomEvent<GossipsubMessage>): void => {
    if (!isTopic(msg.topic) || msg.type !== 'signed') return;
    this.#watch.sessions.used(asPeerId(propagationSource.toString()));
    this.#events.emit('topic:message', { topic: msg.topic, from: asPeerId(msg.from.toString()), data: msg.data });
  };
}
