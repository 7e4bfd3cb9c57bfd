/** Leaves of a run stay together: neighbours on disk and in one request, while downloaders still begin at different places. */
const RUN_LEAVES = 8;

/** A fixed order of all leaves among those that are equally rare: runs shuffled by the seed, within a run as in the file. */
export interface TieOrder {
  readonly rankOf: Uint32Array;
  readonly leafAt: Uint32Array;
}

export function tieOrder(leaves: number, seed: number): TieOrder {
  const runs = Uint32Array.from({ length: Math.ceil(leaves / RUN_LEAVES) }, (_, run) => run);
  const random = xorshift(seed);
  for (let i = runs.length - 1; i > 0; i--) {
    const j = random() % (i + 1);
    [runs[i], runs[j]] = [runs[j] ?? 0, runs[i] ?? 0];
  }
  const leafAt = new Uint32Array(leaves);
  const rankOf = new Uint32Array(leaves);
  let rank = 0;
  for (const run of runs) {
    for (let leaf = run * RUN_LEAVES; leaf < Math.min(leaves, (run + 1) * RUN_LEAVES); leaf++) {
      leafAt[rank] = leaf;
      rankOf[leaf] = rank++;
    }
  }
  return { rankOf, leafAt };
}

/** Marsaglia's xorshift32 (Journal of Statistical Software 8/14, 2003): spread, not secrecy. */
function xorshift(seed: number): () => number {
  let state = (seed >>> 0) || 0x9e37_79b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
