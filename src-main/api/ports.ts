import type { Events } from '../base/index.ts';
import type { AnswerPart, AnswerRequest, Answerer, ChatsEvents } from '../chats/index.ts';
import type { NetNow, PipelineLoad } from './control/schema.ts';
import type { ManageService } from './manage/ports.ts';
import type { CompletionService, EmbeddingService } from './openai/ports.ts';
import type { CommandName, CommandOutput, CommandParsed, HostInfo, HostStatus, Invitation, JoinPlan, Member, Peer, PipelineActivity, Stage, Standing } from '../../src-preload/bridge/index.ts';

export type ChatRequest = AnswerRequest;
export type ChatPart = AnswerPart;
export type ChatService = Answerer;

export interface HostServiceEvents {
  /** Also announces that `info()` may have changed (peer id and addresses known, model loaded). */
  status: HostStatus;
  stages: readonly Stage[];
  activity: PipelineActivity;
  peers: readonly Peer[];
  members: readonly Member[];
  standing: Standing;
}

/** Links with which machines join the mesh. Nothing that it throws holds a link. */
export interface InviteService {
  create(ttlMs: number): Promise<Invitation>;
  check(link: string): Promise<JoinPlan>;
  join(link: string): Promise<JoinPlan>;
}

type Result<N extends CommandName> = CommandOutput<N> | Promise<CommandOutput<N>>;

/** Conversations that the host keeps: one method for each command of that name. */
export interface ConversationService {
  readonly events: Events<ChatsEvents>;
  list(input: CommandParsed<'conversations.list'>): Result<'conversations.list'>;
  search(input: CommandParsed<'conversations.search'>): Result<'conversations.search'>;
  create(): Result<'conversations.create'>;
  open(input: CommandParsed<'conversations.open'>): Result<'conversations.open'>;
  update(input: CommandParsed<'conversations.update'>): Result<'conversations.update'>;
  delete(input: CommandParsed<'conversations.delete'>): Result<'conversations.delete'>;
  send(input: CommandParsed<'conversations.send'>): Result<'conversations.send'>;
  regenerate(input: CommandParsed<'conversations.regenerate'>): Result<'conversations.regenerate'>;
  continue(input: CommandParsed<'conversations.continue'>): Result<'conversations.continue'>;
  stop(input: CommandParsed<'conversations.stop'>): Result<'conversations.stop'>;
  choose(input: CommandParsed<'conversations.choose'>): Result<'conversations.choose'>;
  export(input: CommandParsed<'conversations.export'>): Result<'conversations.export'>;
  import(input: CommandParsed<'conversations.import'>): Result<'conversations.import'>;
  presets(): Result<'presets.list'>;
  savePreset(input: CommandParsed<'presets.save'>): Result<'presets.save'>;
  deletePreset(input: CommandParsed<'presets.delete'>): Result<'presets.delete'>;
}

/** What api/ shows of a host; implemented in host/. The getters give the values now, the events each later change. */
export interface HostService {
  readonly events: Events<HostServiceEvents>;
  info(): HostInfo;
  status(): HostStatus;
  stages(): readonly Stage[];
  peers(): readonly Peer[];
  /** Other nodes that told what they can do, at most MAX_MEMBERS_SHOWN; absent on a host that does not know. */
  members?(): readonly Member[];
  /** This node as it tells others; undefined until it has. */
  self?(): Member | undefined;
  /** Whom this node meets, and from where it is reached; absent on a host that is no node of a mesh. */
  standing?(): Standing;
  /** What it knows of its part in the mesh; it tries again first whom it does not reach, for some seconds. */
  net?(): Promise<NetNow>;
  /** Undefined while there is no pipeline. */
  activity?(): PipelineActivity | undefined;
  /** What goes on in the pipeline now; absent on a host that has none. */
  load?(): PipelineLoad;
  /** Absent on a host that computes no answers (a relay): chat.* is then API_UNSUPPORTED. */
  readonly chat?: ChatService;
  /** Answers for programs; absent like `chat`. */
  readonly completions?: CompletionService;
  /** Absent on a host that has no embedding model. */
  readonly embeddings?: EmbeddingService;
  /** Absent on a host whose models cannot be changed from outside. */
  readonly manage?: ManageService;
  /** Absent on a host that is no node of a mesh. */
  readonly invites?: InviteService;
  /** Absent on a host that keeps no conversations. */
  readonly conversations?: ConversationService;
}

/** The Prometheus text of `/metrics`, from the registry composed in host/. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}
