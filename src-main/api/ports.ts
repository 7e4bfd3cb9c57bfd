import type { Events, LogLines } from '../base/index.ts';
import type { AnswerPart, AnswerRequest, Answerer, ChatsEvents } from '../chats/index.ts';
import type { OwnerService } from './control/economy-schema.ts';
import type { NetNow, PipelineLoad } from './control/schema.ts';
import type { Downloads } from './manage/downloads.ts';
import type { ManageService } from './manage/ports.ts';
import type { CompletionService, EmbeddingService } from './openai/ports.ts';
import type { CommandName, CommandOutput, CommandParsed, Contribution, Desktop, DesktopChange, Economy, HostInfo, HostStatus, HubTokenState, Invitation, JoinPlan, Member, OfferedLink, ModelsNow, Paying, Peer, PipelineActivity, PreferenceChange, Preferences, PipelineSample, Stage, Standing, UpdateState } from '../../src-preload/bridge/index.ts';

export type ChatRequest = AnswerRequest;
export type ChatPart = AnswerPart;
export type ChatService = Answerer;

export interface HostServiceEvents {
  /** Also announces that `info()` may have changed (peer id and addresses known, model loaded). */
  status: HostStatus;
  stages: readonly Stage[];
  activity: PipelineActivity;
  /** Undefined: it costs nothing. */
  paying: Paying | undefined;
  sample: PipelineSample;
  /** Answers that ended and were written down since the host began. */
  answered: number;
  peers: readonly Peer[];
  members: readonly Member[];
  standing: Standing;
  models: ModelsNow;
  contribution: Contribution;
  economy: Economy;
  /** Undefined: it was joined or dismissed. */
  link: OfferedLink | undefined;
  update: UpdateState;
}

/** What this machine gives to others. Each answers with how it stands then; later changes are the event `contribution`. */
export interface ContributeService {
  get(): Contribution;
  /** Throws HOST_BAD_CONFIG. */
  set(change: CommandParsed<'contribute.set'>): Promise<Contribution>;
  pause(ms: number): Promise<Contribution>;
  resume(): Promise<Contribution>;
}

/** SUM: chain, ledger and wallet of this host. Later changes of `get` are the event `economy`. */
export interface EconomyService {
  now(): Economy;
  /** The same; somebody looks, so that what is not there yet is opened. */
  get(): Economy;
  ledger(input: CommandParsed<'economy.ledger'>): Promise<CommandOutput<'economy.ledger'>>;
  earnings(input: CommandParsed<'economy.earnings'>): Promise<CommandOutput<'economy.earnings'>>;
  slashes(): Promise<CommandOutput<'economy.slashes'>>;
  transactions(): CommandOutput<'economy.transactions'>;
  plan(op: CommandParsed<'economy.plan'>): Promise<CommandOutput<'economy.plan'>>;
  /** Answers when the owner decided. Gives no signature out. */
  bind(input: CommandParsed<'economy.bind'>): Promise<CommandOutput<'economy.bind'>>;
  faucet(input: CommandParsed<'economy.faucet'>): Promise<CommandOutput<'economy.faucet'>>;
  /** EIP-1193; never rejects for what the chain or the owner refused: that is an answer. */
  request(input: CommandParsed<'wallet.request'>): Promise<CommandOutput<'wallet.request'>>;
  show(input: CommandParsed<'wallet.show'>): Promise<CommandOutput<'wallet.show'>>;
  lock(): void;
}

/** Links with which machines join the mesh. Nothing that it throws holds a link. */
export interface InviteService {
  create(ttlMs: number): Promise<Invitation>;
  check(link: string): Promise<JoinPlan>;
  join(link: string): Promise<JoinPlan>;
}

/** What is chosen once on a machine. */
export interface SetupService {
  get(): CommandOutput<'setup.get'>;
  /** Throws HOST_BAD_CONFIG, ZONE_KEY_*. */
  finish(choices: CommandParsed<'setup.finish'>): Promise<CommandOutput<'setup.finish'>>;
  skip(): Promise<CommandOutput<'setup.skip'>>;
}

/** An invitation that the system handed to the app. Nothing that it tells or throws holds the link. */
export interface LinkService {
  current(): OfferedLink | undefined;
  /** By the id under which it is shown. Throws HOST_LINK_GONE, and as `InviteService.join`. */
  join(id: string): Promise<JoinPlan>;
  dismiss(id: string): void;
}

/** The app around the page. */
export interface DesktopService {
  get(): Promise<Desktop>;
  set(change: DesktopChange): Promise<Desktop>;
  /** Returns at once; the app ends in order and is opened again. */
  restart(): void;
}

/** Newer versions of the app; each change is told as the event `update`. */
export interface UpdateService {
  state(): UpdateState;
  check(): UpdateState;
  /** Throws ELECTRON_NO_UPDATE. */
  install(): void;
}

/** The token for the hub; nothing gives it out again. */
export interface HubTokenService {
  state(): Promise<HubTokenState>;
  set(token: string | null): Promise<HubTokenState>;
}

type Result<N extends CommandName> = CommandOutput<N> | Promise<CommandOutput<N>>;
type Method<N extends CommandName> = CommandParsed<N> extends Record<string, never> ? () => Result<N> : (input: CommandParsed<N>) => Result<N>;
/** One method for each command that begins with this. */
type ServiceOf<Prefix extends string> = { readonly [N in CommandName as N extends `${Prefix}.${infer Name}` ? Name : never]: Method<N> };

/** Conversations that the host keeps: one method for each command of that name. */
export interface ConversationService extends ServiceOf<'conversations'> {
  readonly events: Events<ChatsEvents>;
  presets(): Result<'presets.list'>;
  savePreset(input: CommandParsed<'presets.save'>): Result<'presets.save'>;
  deletePreset(input: CommandParsed<'presets.delete'>): Result<'presets.delete'>;
}

/** Files for questions: one method for each command of that name. */
export type AttachmentService = ServiceOf<'attachments'>;

/** The configuration of a node, as its owner changes it. */
export interface SettingsService {
  get(): Promise<CommandOutput<'settings.get'>>;
  set(input: CommandParsed<'settings.set'>): Promise<CommandOutput<'settings.set'>>;
}

/** How the owner wants pages to look. */
export interface PreferenceService {
  now(): Preferences;
  set(change: PreferenceChange): Promise<Preferences>;
}

/** Keys with which programs use the API. */
export interface ApiKeyService {
  list(): Promise<CommandOutput<'apiKeys.list'>>;
  create(input: CommandParsed<'apiKeys.create'>): Promise<CommandOutput<'apiKeys.create'>>;
  remove(input: CommandParsed<'apiKeys.remove'>): Promise<CommandOutput<'apiKeys.remove'>>;
}

export interface AboutService {
  get(): Promise<CommandOutput<'about.get'>>;
  document(input: CommandParsed<'about.document'>): Promise<CommandOutput<'about.document'>>;
}

/** The newest lines of a host's log; `LogLines` of base is one. */
export type LogService = Pick<LogLines, 'lines' | 'lastSeq' | 'onAdded'>;

/** Who is known, who is refused, and why one is not reached: one method for each command `network.*`. */
export type NetworkService = ServiceOf<'network'>;

/** What the pipeline did and does: one method for each command of that name. */
export type PipelineService = Omit<ServiceOf<'pipeline'>, 'watch'>;

/** The models of the node, for its page: one method for each command models.* of that name. */
export interface ModelService extends ServiceOf<'models'> {
  now(): ModelsNow;
  /** The next bytes of an upload, at this place of it; tells how many have come. */
  uploaded(id: string, atByte: number, bytes: Uint8Array): Promise<{ readonly receivedBytes: number }>;
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
  /** What the model costs, where it does. */
  paying?(): Paying | undefined;
  /** What goes on in the pipeline now; absent on a host that has none. */
  load?(): PipelineLoad;
  /** Answers for programs; absent on a host that computes none (a relay). */
  readonly completions?: CompletionService;
  /** Absent on a host that has no embedding model. */
  readonly embeddings?: EmbeddingService;
  /** Absent on a host whose models cannot be changed from outside. */
  readonly manage?: ManageService;
  /** Models on their way here, for REST and the page alike; absent like `manage`. */
  readonly downloads?: Downloads;
  /** Absent on a host whose models its page cannot change. */
  readonly models?: ModelService;
  /** Absent on a host that is no node of a mesh. */
  readonly invites?: InviteService;
  /** Absent like `invites`. */
  readonly network?: NetworkService;
  /** Absent on a host that has no pipeline of its own. */
  readonly pipeline?: PipelineService;
  /** Absent on a host that computes for nobody else. */
  readonly contribute?: ContributeService;
  /** Absent on a host that uses no chain. */
  readonly economy?: EconomyService;
  /** The same for the owner's commands. */
  readonly owner?: OwnerService;
  /** Absent on a host whose configuration is not the page's to write. */
  readonly setup?: SetupService;
  /** Absent where the system hands no links over: `omninode join` does. */
  readonly links?: LinkService;
  /** Absent on a host without a window. */
  readonly desktop?: DesktopService;
  /** As well. */
  readonly updates?: UpdateService;
  /** Absent on a host that asks no hub. */
  readonly hubToken?: HubTokenService;
  /** Absent on a host that keeps no conversations. */
  readonly conversations?: ConversationService;
  /** Absent as well. */
  readonly attachments?: AttachmentService;
  /** Absent on a host whose configuration is not its owner's to change. */
  readonly settings?: SettingsService;
  readonly preferences?: PreferenceService;
  readonly apiKeys?: ApiKeyService;
  readonly about?: AboutService;
  readonly logs?: LogService;
  /** Looks around and writes down what helps to find a fault. */
  readonly diagnostics?: () => Promise<CommandOutput<'diagnostics.collect'>>;
}

/** The Prometheus text of `/metrics`, from the registry composed in host/. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}
