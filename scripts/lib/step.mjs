import { fail, say } from './say.mjs';
import { why } from './why.mjs';

/** One step of the bootstrap, told before and after; a failure is one sentence that says what to do. */
export async function step(doing, failed, work) {
  say(`omninode: ${doing} ...`);
  const begun = performance.now();
  const result = await work();
  if (result.code !== 0) fail(process.env.OMNINODE_VERBOSE === '1' ? `${failed}:\n${result.output}` : `${why(failed, result.output)} (OMNINODE_VERBOSE=1 shows all of it.)`);
  say(`omninode: done in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}
