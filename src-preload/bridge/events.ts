import { z } from 'zod';
import { activitySchema, chatFinishSchema, chatProgressSchema, conversationIdSchema, hostInfoSchema, hostStatusSchema, peerSchema, requestIdSchema, stageSchema } from './dto.ts';
import { contributionSchema } from './contribute.ts';
import { conversationsChangedSchema } from './conversation.ts';
import { economySchema, payingSchema } from './economy.ts';
import { wireErrorSchema } from './errors.ts';
import { logsAddedSchema } from './logs.ts';
import { membersSchema } from './member.ts';
import { pipelineSampleSchema } from './pipeline.ts';
import { modelsNowSchema } from './model.ts';
import { offeredLinkSchema } from './offered-link.ts';
import { standingSchema } from './standing.ts';
import { updateStateSchema } from './update.ts';

/**
 * now: sent as it happens. latest: at most 10 a second, the newest value wins.
 * text: at most 30 a second, pieces of one answer are joined, so that typing looks fluid.
 */
export type RateClass = 'now' | 'latest' | 'text';
export const INTERVAL_MS = { latest: 100, text: 33 } as const satisfies Record<Exclude<RateClass, 'now'>, number>;

const event = <S extends z.ZodType>(rate: RateClass, data: S) => ({ rate, data });

/** Everything that the host tells without being asked. Direction: host to client, always. */
export const events = {
  'host.changed': event('now', hostInfoSchema),
  'host.status': event('now', hostStatusSchema),
  'pipeline.stages': event('latest', z.array(stageSchema).max(1_000).readonly()),
  'pipeline.activity': event('latest', activitySchema),
  /** Null: it costs nothing. */
  'pipeline.paying': event('latest', z.object({ paying: payingSchema.nullable() })),
  /** Every 2 s, while any client watches (`pipeline.watch`). */
  'pipeline.sampled': event('latest', pipelineSampleSchema),
  /** Answers that ended since the host began, and were written down. */
  'pipeline.answered': event('latest', z.object({ answers: z.number().int().min(0) })),
  'peers.changed': event('latest', z.array(peerSchema).max(10_000).readonly()),
  /** Other nodes that are there, connected or not, with what they told of themselves. */
  'members.changed': event('latest', membersSchema),
  'standing.changed': event('latest', standingSchema),
  'models.changed': event('latest', modelsNowSchema),
  'contribute.changed': event('latest', contributionSchema),
  'economy.changed': event('latest', economySchema),
  /** A conversation that the host keeps, or the list of them, is not what it was; `revision` grows by one each time. */
  'conversations.changed': event('now', conversationsChangedSchema),
  /** There are new lines in the host's log; told only while a client follows it. */
  'logs.added': event('latest', logsAddedSchema),
  /** Null: it was joined or dismissed. */
  'link.offered': event('now', z.object({ link: offeredLinkSchema.nullable() })),
  'update.changed': event('latest', updateStateSchema),
  'chat.started': event('now', z.object({ requestId: requestIdSchema, conversationId: conversationIdSchema })),
  'chat.progress': event('now', z.object({ requestId: requestIdSchema, progress: chatProgressSchema })),
  'chat.delta': event('text', z.object({ requestId: requestIdSchema, text: z.string().max(1_000_000) })),
  'chat.done': event('now', z.object({ requestId: requestIdSchema, finish: chatFinishSchema })),
  'chat.error': event('now', z.object({ requestId: requestIdSchema, error: wireErrorSchema })),
} as const;

export type EventName = keyof typeof events;
export type EventData<N extends EventName> = z.infer<(typeof events)[N]['data']>;
export type HostEvent = { [N in EventName]: { readonly event: N; readonly data: EventData<N> } }[EventName];
/** `seq` grows by one from one push to the next; a gap means that the client must ask for a snapshot. */
export type Push = HostEvent & { readonly seq: number };

const names = Object.keys(events) as [EventName, ...EventName[]];
const envelopeSchema = z.object({ seq: z.number().int().min(1), event: z.enum(names), data: z.unknown() });

/** Undefined for anything that is not a push of this contract. */
export function parsePush(raw: unknown): Push | undefined {
  const envelope = envelopeSchema.safeParse(raw);
  if (!envelope.success) return undefined;
  const data = events[envelope.data.event].data.safeParse(envelope.data.data);
  return data.success ? ({ ...envelope.data, data: data.data } as Push) : undefined;
}
