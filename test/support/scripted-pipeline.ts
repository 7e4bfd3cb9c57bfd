import { CodedError, type Events } from '../../src-main/base/index.ts';
import type { HostServiceEvents, PipelineService } from '../../src-main/api/index.ts';
import { stepOf, thin, type AnswerDetail, type CommandOutput, type CommandParsed, type PipelineSample, type PlacementView } from '../../src-preload/bridge/index.ts';

const peer = (index: number): string => `12D3KooWScriptedPeerNumber${index}`;

/** One that lost a stage on the way. */
export const ANSWER: AnswerDetail = {
  id: 1, endedAt: 1_800_000_000_000, model: 'OmniNode Guide', tokens: 128, finishReason: 'stop', ttftMs: 120, tokensPerSecond: 41.2, stages: 3, machines: 1, failovers: 1, pausedMs: 640,
  promptTokens: 84, reusedTokens: 12, replayedTokens: 120, durationMs: 3_900, queuedMs: 0.4, itlMs: { p50: 8.2, p99: 31 },
  route: [0, 1, 2].map((index) => ({
    peerId: peer(index), ownership: 'this-machine', layers: [index * 2, index * 2 + 1], backend: 'cpu', bytesLoaded: 1_400_000, msPerToken: 7.9 + index, waitMsPerToken: 0.1, wireMsPerToken: 0.4, prefillMs: 31 + index, bytesOut: 65_000,
  })),
  losses: [{ peerId: '12D3KooWScriptedLostNode', layers: [2, 3], code: 'PIPELINE_STAGE_LOST', message: 'stage 1 (peer 12D3KooWScriptedLostNode, layers 2-3) is gone: the stream was reset', afterTokens: 52, pausedMs: 640, takenBy: [{ peerId: peer(1), layers: [2, 3] }] }],
};

export const PLACEMENT: PlacementView = {
  model: 'OmniNode Guide', madeAt: 1_800_000_000_000, asked: [peer(0), peer(1), peer(2), '12D3KooWScriptedFarNode'], silent: ['12D3KooWScriptedSilentOne'],
  current: { stages: [0, 1, 2].map((index) => ({ peerId: peer(index), layers: [index * 2, index * 2 + 1] as const })), predicted: { ttftMs: 96, tokensPerSecond: 47 } },
  measured: { answers: 8, ttftMs: 118, tokensPerSecond: 41.2 },
  plan: {
    stages: [{ peerId: peer(0), layers: [0, 5] }], predicted: { ttftMs: 74, tokensPerSecond: 61 }, isOptimal: true,
    explanation: [
      `1 of 4 nodes used: ${peer(0)} runs layers 0-5.`, 'Predicted: 61.0 tok/s for one answer, 61.0 for 1 session; first token after 74 ms.',
      `${peer(1)} left out: splitting would be slower: 52.1 vs 61.0 tok/s.`, '12D3KooWScriptedFarNode left out: does not fit: needs 4.1 GB, 2.2 free.', 'No other choice of nodes, order and cuts is cheaper by these figures.',
    ],
    leftOut: [{ peerId: peer(1), text: 'splitting would be slower: 52.1 vs 61.0 tok/s' }, { peerId: '12D3KooWScriptedFarNode', text: 'does not fit: needs 4.1 GB, 2.2 free' }],
  },
  record: { answers: 8, predicted: { ttftMs: 96, tokensPerSecond: 47 }, measured: { ttftMs: 118, tokensPerSecond: 41.2 } },
};

/** What a test says that a pipeline did. */
export class ScriptedPipeline implements PipelineService {
  kept: PipelineSample[] = [];
  answers: AnswerDetail[] = [];
  /** What the planner says next. */
  planned: () => PlacementView = () => PLACEMENT;
  #answered = 0;
  readonly #events: Events<HostServiceEvents>;

  constructor(events: Events<HostServiceEvents>) {
    this.#events = events;
  }

  samples({ spanMs }: CommandParsed<'pipeline.samples'>): CommandOutput<'pipeline.samples'> {
    const stepMs = stepOf(spanMs);
    const endMs = this.kept.at(-1)?.atMs ?? 0;
    return { stepMs, samples: thin(this.kept.filter(({ atMs }) => atMs > endMs - spanMs), stepMs) };
  }

  history({ offset, limit }: CommandParsed<'pipeline.history'>): CommandOutput<'pipeline.history'> {
    return { answers: this.answers.toReversed().slice(offset, offset + limit), total: this.answers.length };
  }

  answer({ id }: CommandParsed<'pipeline.answer'>): CommandOutput<'pipeline.answer'> {
    const answer = this.answers.find((one) => one.id === id);
    if (answer === undefined) throw new CodedError({ code: 'HOST_NO_SUCH_ANSWER', message: 'this answer is not in the history any more', next: 'Choose another one.', fault: 'user' });
    return answer;
  }

  forget(): CommandOutput<'pipeline.forget'> {
    this.answers = [];
    this.#events.emit('answered', (this.#answered += 1));
    return {};
  }

  plan(): CommandOutput<'pipeline.plan'> {
    return this.planned();
  }

  sample(sample: PipelineSample): void {
    this.kept.push(sample);
    this.#events.emit('sample', sample);
  }

  ended(answer: AnswerDetail): void {
    this.answers.push(answer);
    this.#events.emit('answered', (this.#answered += 1));
  }
}

/** Samples of the last `minutes`, with a gap of two in the middle, an answer now and then. */
export function samplesUntil(endMs: number, minutes: number): PipelineSample[] {
  const count = (minutes * 60) / 2;
  return Array.from({ length: count }, (_, index): PipelineSample => {
    const isBusy = index % 24 < 15;
    return {
      atMs: endMs - (count - 1 - index) * 2_000, spanMs: 2_000, tokensPerSecond: isBusy ? 38 + 5 * Math.sin(index / 3) : 0, ...(index % 24 === 15 ? { ttftMs: 110 + (index % 7) * 9 } : {}),
      sentBytesPerSecond: isBusy ? 5_200 + (index % 5) * 300 : 240, receivedBytesPerSecond: isBusy ? 8_100 + (index % 4) * 500 : 260, stageBytesPerSecond: isBusy ? 46_000 + (index % 3) * 900 : 0,
      hostBytes: 182_000_000 + index * 20_000, stagesBytes: 391_000_000 + (index % 24) * 400_000,
    };
  }).filter(({ atMs }) => { const ageMs = endMs - atMs; return ageMs < minutes * 24_000 || ageMs > minutes * 30_000; });
}
