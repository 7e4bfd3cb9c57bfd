/** What goes by a chain, with the libraries for it, for those processes alone that need it: they cost each some 35 MB and a tenth of a second. */
export const loadSum = () => import('./open-economy.ts');

/** For the commands around SUM. */
export async function loadOwner() {
  const [{ openOwner }, faults, { configFor, runDevnet }] = await Promise.all([import('./open-owner.ts'), import('./fault-file.ts'), import('./run-devnet.ts')]);
  return { openOwner, ...faults, configFor, runDevnet };
}
