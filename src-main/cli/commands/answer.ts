import type { InferenceReport, ProgressSink } from '../../host/index.ts';
import { megabytes, type Output } from '../output.ts';

/** Streams an answer to stdout and what happens around it to stderr. */
export const answerSink = (output: Output): ProgressSink => ({
  onStatus: (text) => output.progress(text),
  onText: (text) => output.answer(text),
});

/** A line per stage and the speed, after the answer; with --json the whole report, or what is given in its place. */
export function printFigures(output: Output, report: InferenceReport, result: object = report): void {
  output.answer('\n');
  for (const [index, stage] of report.stages.entries()) {
    const [first, last] = stage.layers;
    output.line(`stage ${index}  peer ${stage.peerId}  layers ${first}-${last}  ${megabytes(stage.bytesLoaded)} loaded  ${stage.msPerToken === null ? 'no token computed' : `${stage.msPerToken.toFixed(2)} ms/token`}`);
  }
  if (report.speculation !== null) output.line(`speculation: ${report.speculation.accepted} of ${report.speculation.drafted} drafts accepted`);
  const speed = report.tokensPerSecond === null ? '' : `, ${report.tokensPerSecond.toFixed(1)} tokens/s`;
  const first = report.ttftMs === null ? '' : `, first token after ${report.ttftMs.toFixed(0)} ms`;
  output.line(`${report.tokenIds.length} tokens${speed}${first} (${WHY[report.finishReason]})`);
  output.result(result);
}

const WHY: Readonly<Record<InferenceReport['finishReason'], string>> = {
  stop: 'the answer was complete', length: 'stopped at --max-tokens', context: 'stopped: the context is full', cancelled: 'cancelled',
};
