// Failures of the bootstrap are one sentence on stderr; progress too, so that stdout stays the command's own.
export class Stop extends Error {}

export const say = (line) => process.stderr.write(`${line}\n`);

/** Ends the script: what happened and what to do, in one sentence. */
export function fail(sentence) {
  throw new Stop(sentence);
}

/** Runs a script's main function; a `Stop` is printed as its sentence, anything else with its stack. */
export async function main(run) {
  try {
    process.exitCode = await run();
  } catch (error) {
    say(error instanceof Stop ? `omninode: ${error.message}` : error.stack);
    process.exitCode = 1;
  }
}
