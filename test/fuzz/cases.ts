/** How many cases a test tries: few in the usual run, OMNINODE_FUZZ_CASES of each kind with `npm run fuzz`. */
export const casesOf = (usual: number): number => Math.max(usual, Number(process.env['OMNINODE_FUZZ_CASES'] ?? '0'));
