/** What goes by a chain, with the libraries for it, for those processes alone that need it: they cost each some 35 MB and a tenth of a second. */
export async function loadSum() {
  const [{ openEconomy }, { PayHost }] = await Promise.all([import('./open-economy.ts'), import('../paid/index.ts')]);
  return { openEconomy, newPay: (...init: ConstructorParameters<typeof PayHost>) => new PayHost(...init) };
}

/** For the commands around SUM. */
export async function loadOwner() {
  const [{ openOwner }, { readFault }, { configFor, runDevnet }] = await Promise.all([import('./open-owner.ts'), import('./fault-file.ts'), import('./run-devnet.ts')]);
  return { openOwner, readFault, configFor, runDevnet };
}
