import { z } from 'zod';
import { activitySchema, chatFinishSchema, chatProgressSchema, conversationIdSchema, hostInfoSchema, hostStatusSchema, peerSchema, requestIdSchema, stageSchema } from './dto.ts';
import { conversationsChangedSchema } from './conversation.ts';
import { wireErrorSchema } from './errors.ts';
import type { HostEvent } from './events.ts';
import { membersSchema } from './member.ts';
import { standingSchema } from './standing.ts';

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
  peers: z.array(peerSchema).readonly(),
  /** Other nodes that told what they can do; absent on a host that does not listen for that. */
  members: membersSchema.exactOptional(),
  /** Absent on a host that is no node of a mesh, and until it is one. */
  standing: standingSchema.exactOptional(),
  /** What of the kept conversations changed last; absent until something did. */
  conversations: conversationsChangedSchema.exactOptional(),
  /** By request id, oldest first. */
  answers: z.record(requestIdSchema, answerSchema).readonly(),
});
export type HostState = z.infer<typeof hostStateSchema>;

export const snapshotSchema = z.object({ seq: z.number().int().min(0), state: hostStateSchema });
export type Snapshot = z.infer<typeof snapshotSchema>;

export const isRunning = (answer: Answer): boolean => answer.finish === undefined && answer.error === undefined;

/** Pure; the host and every client run it on the same events. Returns the same object when nothing changed. */
export function reduce(state: HostState, { event, data }: HostEvent): HostState {
  switch (event) {
    case 'host.changed': return { ...state, info: data };
    case 'host.status': return { ...state, status: data };
    case 'pipeline.stages': return { ...state, stages: data };
    case 'pipeline.activity': return { ...state, activity: data };
    case 'peers.changed': return { ...state, peers: data };
    case 'members.changed': return { ...state, members: data };
    case 'standing.changed': return { ...state, standing: data };
    case 'conversations.changed': return { ...state, conversations: data };
    case 'chat.started': return { ...state, answers: { ...withoutOldest(state.answers), [data.requestId]: { conversationId: data.conversationId, text: '' } } };
    case 'chat.progress': return withAnswer(state, data.requestId, (answer) => ({ ...answer, progress: data.progress }));
    case 'chat.delta': return withAnswer(state, data.requestId, (answer) => ({ ...answer, text: answer.text + data.text }));
    case 'chat.done': return withAnswer(state, data.requestId, (answer) => ({ ...answer, finish: data.finish }));
    case 'chat.error': return withAnswer(state, data.requestId, (answer) => ({ ...answer, error: data.error }));
  }
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
