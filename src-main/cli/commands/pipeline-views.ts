import type { PipelinePlan, PlanRecord, RunningHost, TracedReport } from '../../host/index.ts';
import { megabytes } from '../output.ts';
import { bytes, milliseconds, percent, shortPeer, table } from '../table.ts';

/** What the `pipeline` commands show; pure, and however a plan was made. */

const range = ([first, last]: readonly [number, number]): string => `${first}-${last}`;

export function planView({ model, nodes, stages, placement, links, record }: PipelinePlan): string {
  const total = stages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const offers = nodes.map(({ name, shards, addresses, able }) => [
    shortPeer(name), String(shards.length), megabytes(shards.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
    ...(able === undefined ? ['', '', '', ''] : [megabytes(able.freeBytes), `${megabytes(able.decodeBytesPerSecond)}/s${able.isMeasured ? '' : ' (guess)'}`, `${able.correction.decode.toFixed(2)} x`, milliseconds(able.rttMs)]),
    addresses[0] ?? 'would be started here',
  ]);
  const rows = stages.map(({ node, layers, sizeBytes }, index) => [String(index), shortPeer(node), range(layers), String(layers[1] - layers[0] + 1), megabytes(sizeBytes), percent(sizeBytes / total)]);
  return [
    `${model.name}: ${model.architecture}, ${model.totalLayers} layers, ${megabytes(model.sizeBytes)}`, '',
    table(['node', 'shards', 'offers', 'free', 'reads', 'takes', 'away', 'address'], offers), '',
    table(['stage', 'node', 'layers', 'count', 'weights', 'share'], rows), '',
    ...(links === undefined ? [] : [linkTable(links), '']),
    ...(placement === undefined ? [] : [...placement.explanation, '']),
    ...(record === undefined ? [] : [recordLine(record), '']),
  ].join('\n');
}

const linkTable = (links: NonNullable<PipelinePlan['links']>): string => table(['link', 'to', 'round trip', '', 'carries', ''], links.map(({ a, b, rttMs, bytesPerSecond, roundTrip, bandwidth }) => [
  shortPeer(a), shortPeer(b), milliseconds(rttMs), roundTrip, `${megabytes(bytesPerSecond)}/s`, bandwidth,
]));

/** Answers over nodes that were planned: medians. */
export const recordLine = ({ answers, predicted, measured }: PlanRecord): string =>
  `predicted ${predicted.tokensPerSecond.toFixed(1)} tok/s, measured ${measured.tokensPerSecond.toFixed(1)}; first token predicted after ${milliseconds(predicted.ttftMs, 0)}, measured ${milliseconds(measured.ttftMs, 0)} (last ${answers === 1 ? 'answer' : `${answers} answers`} over planned nodes)`;

export function statusView({ pid, mode, status, model, stages, load }: RunningHost, plans: PlanRecord | undefined): string {
  const rows = stages.map(({ peerId, layers, bytesLoaded, backend, state, msPerToken }, index) => {
    const last = load?.last?.stages[index];
    return [String(index), shortPeer(peerId), range(layers), megabytes(bytesLoaded), backend, state, milliseconds(msPerToken), milliseconds(last?.waitMsPerToken), percent(last?.flow?.batchFill), bytes(last?.flow?.bytesOut)];
  });
  const what = status.kind === 'error' ? `${status.message} [${status.code}]` : status.kind;
  return [
    `OmniNode (${mode}, process ${pid}): ${what}`,
    ...(model === undefined ? [] : [`${model.name}: ${model.layers} layers, ${megabytes(model.sizeBytes)}, context ${model.contextTokens}`]),
    ...(rows.length === 0 ? [] : ['', table(['stage', 'peer', 'layers', 'weights', 'backend', 'state', 'per token', 'wait', 'fill', 'sent'], rows)]),
    ...(load === undefined ? [] : ['', ...loadLines(load)]),
    ...(plans === undefined ? [] : [recordLine(plans)]), '',
  ].join('\n');
}

function loadLines({ answers, waiting, last }: NonNullable<RunningHost['load']>): string[] {
  const running = answers.map(({ isPlaced, tokens, tokensPerSecond, ttftMs, itlMs }) => `  ${isPlaced ? 'answering' : 'waiting'}  ${tokens} tokens${speed(tokensPerSecond)}${firstToken(ttftMs)}${gaps(itlMs)}`);
  const before = last === undefined ? 'no answer yet' : `last answer: ${last.generatedTokens} tokens${speed(last.tokensPerSecond)}${firstToken(last.ttftMs)}${gaps(last.itlMs)}${last.failovers > 0 ? `, ${last.failovers} failovers` : ''}${drafts(last.speculation)}`;
  return [`${answers.length} answers under way, ${waiting} waiting for a place`, ...running, before];
}

const speed = (tokensPerSecond: number | null | undefined): string => (tokensPerSecond === null || tokensPerSecond === undefined ? '' : `, ${tokensPerSecond.toFixed(1)} tokens/s`);
const firstToken = (ttftMs: number | null | undefined): string => (ttftMs === null || ttftMs === undefined ? '' : `, first after ${milliseconds(ttftMs, 0)}`);
const drafts = (speculation: { readonly drafted: number; readonly accepted: number } | undefined): string => (speculation === undefined || speculation.drafted === 0 ? '' : `, ${speculation.accepted} of ${speculation.drafted} drafts accepted`);
const gaps = (itlMs: { readonly p50: number; readonly p99: number } | undefined): string => (itlMs === undefined ? '' : `, between tokens ${milliseconds(itlMs.p50)} (p99 ${milliseconds(itlMs.p99)})`);

export function traceView({ report, stats, trace }: TracedReport): string {
  const rows = report.stages.map(({ peerId, layers }, index) => {
    const [stage, boundary, seen] = [stats.stages[index], stats.boundaries[index], trace.stages[index]];
    return [
      String(index), shortPeer(peerId), range(layers), milliseconds(stage?.prefillMs, 1), milliseconds(stage?.msPerToken), milliseconds(stage?.waitMsPerToken), milliseconds(boundary?.serialiseMs), milliseconds(boundary?.wireMs),
      percent(stage?.flow?.batchFill), bytes(stage?.flow?.bytesOut), seen === undefined ? 'none' : `${seen.steps.length} steps, +-${(seen.uncertaintyUs / 1000).toFixed(2)} ms`,
    ];
  });
  return [
    table(['stage', 'peer', 'layers', 'prefill', 'compute', 'wait', 'frames', 'wire', 'fill', 'sent', 'traced'], rows), '',
    `${stats.promptTokens} prompt tokens, ${stats.generatedTokens} tokens${speed(stats.tokensPerSecond)}${firstToken(stats.ttftMs)}${gaps(stats.itlMs)}${drafts(stats.speculation)}`,
    `waited ${milliseconds(stats.queuedMs, 1)} for a place${stats.failovers > 0 ? `; ${stats.failovers} failovers: the steps are those since the last` : ''}`, '',
  ].join('\n');
}
