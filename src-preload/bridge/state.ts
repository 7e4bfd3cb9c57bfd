import { z } from 'zod';
import { activitySchema, chatFinishSchema, chatProgressSchema, conversationIdSchema, hostInfoSchema, hostStatusSchema, peerSchema, requestIdSchema, stageSchema } from './dto.ts';
import { contributionSchema } from './contribute.ts';
import { conversationsChangedSchema } from './conversation.ts';
import { economySchema, payingSchema, type Paying } from './economy.ts';
import { wireErrorSchema } from './errors.ts';
import type { HostEvent } from './events.ts';
import { logsAddedSchema } from './logs.ts';
import { membersSchema } from './member.ts';
import { pipelineSampleSchema } from './pipeline.ts';
import { modelsNowSchema } from './model.ts';
import { offeredLinkSchema, type OfferedLink } from './offered-link.ts';
import { standingSchema } from './standing.ts';
import { updateStateSchema } from './update.ts';

/** Finished answers kept in the state, so that a client that was away still gets them. */
export const MAX_FINISHED_ANSWERS = 32;

export const answerSchema = z.object({
  conversationId: conversationIdSchema,
  text: z.string(),
  progress: chatProgressSchema.exactOptional(),
  finish: chatFinishSchema.exactOptional(),
  error: wireErrorSchema.exactOptional(),
});
export type Answer = z.infer<typeof answerSchema>;

/** All that a client shows, kept equal on both sides by applying the same events to it. */
export const hostStateSchema = z.object({
  info: hostInfoSchema,
  status: hostStatusSchema,
  stages: z.array(stageSchema).readonly(),
  /** Absent while there is no pipeline. */
  activity: activitySchema.exactOptional(),
  /** Absent where the model costs nothing. */
  paying: payingSchema.exactOptional(),
  /** The newest, if any client watches. */
  sample: pipelineSampleSchema.exactOptional(),
  /** Answers that ended and were written down since the host began; absent until one did. */
  answered: z.number().int().min(0).exactOptional(),
  peers: z.array(peerSchema).readonly(),
  /** Other nodes that told what they can do; absent on a host that does not listen for that. */
  members: membersSchema.exactOptional(),
  /** Absent on a host that is no node of a mesh, and until it is one. */
  standing: standingSchema.exactOptional(),
  /** Absent on a host whose models cannot be changed from its page. */
  models: modelsNowSchema.exactOptional(),
  /** What this machine gives to others; absent on a host that computes for nobody else. */
  contribution: contributionSchema.exactOptional(),
  /** Chain, wallet and this node's account; absent on a host that uses no chain. */
  economy: economySchema.exactOptional(),
  /** What of the kept conversations changed last; absent until something did. */
  conversations: conversationsChangedSchema.exactOptional(),
  /** The log's newest line; absent until a client has followed it. */
  logs: logsAddedSchema.exactOptional(),
  /** An invitation that waits for a yes or no. */
  offeredLink: offeredLinkSchema.exactOptional(),
  /** Absent where the app is not its own to renew: served to a browser. */
  update: updateStateSchema.exactOptional(),
  /** By request id, oldest first. */
  answers: z.record(requestIdSchema, answerSchema).readonly(),
});
export type HostState = z.infer<typeof hostStateSchema>;

export const snapshotSchema = z.object({ seq: z.number().int().min(0), state: hostStateSchema });
export type Snapshot = z.infer<typeof snapshotSchema>;

export const isRunning = (answer: Answer): boolean => answer.finish === undefined && answer.error === undefined;

type ChatEvent = Extract<HostEvent, { readonly event: `chat.${string}` }>;
type MeshEvent = Extract<HostEvent, { readonly event: `peers.${string}` | `members.${string}` | `standing.${string}` | `pipeline.${string}` }>;
const isChat = (told: HostEvent): told is ChatEvent => told.event.startsWith('chat.');

/** Pure; the host and every client run it on the same events. Returns the same object when nothing changed. */
export function reduce(state: HostState, told: HostEvent): HostState {
  if (isChat(told)) return reduceChat(state, told);
  switch (told.event) {
    case 'peers.changed': return { ...state, peers: told.data };
    case 'members.changed': return { ...state, members: told.data };
    case 'standing.changed': return { ...state, standing: told.data };
    case 'pipeline.stages': return { ...state, stages: told.data };
    case 'pipeline.activity': return { ...state, activity: told.data };
    case 'pipeline.paying': return withPaying(state, told.data.paying);
    case 'pipeline.sampled': return { ...state, sample: told.data };
    case 'pipeline.answered': return { ...state, answered: told.data.answers };
    default: return reduceHost(state, told);
  }
}

/** What the host tells of itself and what it keeps. */
function reduceHost(state: HostState, { event, data }: Exclude<HostEvent, ChatEvent | MeshEvent>): HostState {
  switch (event) {
    case 'host.changed': return { ...state, info: data };
    case 'host.status': return { ...state, status: data };
    case 'models.changed': return { ...state, models: data };
    case 'contribute.changed': return { ...state, contribution: data };
    case 'economy.changed': return { ...state, economy: data };
    case 'conversations.changed': return { ...state, conversations: data };
    case 'logs.added': return { ...state, logs: data };
    case 'link.offered': return withLink(state, data.link);
    case 'update.changed': return { ...state, update: data };
  }
}

function reduceChat(state: HostState, { event, data }: ChatEvent): HostState {
  switch (event) {
    case 'chat.started': return { ...state, answers: { ...withoutOldest(state.answers), [data.requestId]: { conversationId: data.conversationId, text: '' } } };
    case 'chat.progress': return withAnswer(state, data.requestId, (answer) => ({ ...answer, progress: data.progress }));
    case 'chat.delta': return withAnswer(state, data.requestId, (answer) => ({ ...answer, text: answer.text + data.text }));
    case 'chat.done': return withAnswer(state, data.requestId, (answer) => ({ ...answer, finish: data.finish }));
    case 'chat.error': return withAnswer(state, data.requestId, (answer) => ({ ...answer, error: data.error }));
  }
}

function withPaying({ paying: _, ...state }: HostState, paying: Paying | null): HostState {
  return paying === null ? state : { ...state, paying };
}

function withLink({ offeredLink: _, ...state }: HostState, link: OfferedLink | null): HostState {
  return link === null ? state : { ...state, offeredLink: link };
}

// An ended answer stays as it is: a late delta must not reopen it.
function withAnswer(state: HostState, requestId: string, change: (answer: Answer) => Answer): HostState {
  const answer = state.answers[requestId];
  if (answer === undefined || !isRunning(answer)) return state;
  return { ...state, answers: { ...state.answers, [requestId]: change(answer) } };
}

function withoutOldest(answers: HostState['answers']): HostState['answers'] {
  const finished = Object.entries(answers).filter(([, answer]) => !isRunning(answer));
  const surplus = new Set(finished.slice(0, Math.max(0, finished.length - MAX_FINISHED_ANSWERS + 1)).map(([id]) => id));
  return Object.fromEntries(Object.entries(answers).filter(([id]) => !surplus.has(id)));
}
