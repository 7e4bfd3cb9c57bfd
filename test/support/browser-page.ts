import { fileURLToPath } from 'node:url';
import { build, type Rolldown } from 'vite';

/** Bundles a module with all that it imports for a page, as packages are meant for browsers. */
export async function bundleForPage(module: string): Promise<string> {
  const entry = fileURLToPath(new URL(module, import.meta.url));
  const built = await build({
    configFile: false, logLevel: 'warn', root: fileURLToPath(new URL('.', import.meta.url)), define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
    build: { write: false, minify: false, target: 'es2024', lib: { entry, formats: ['iife'], name: 'page' } },
  }) as Rolldown.RolldownOutput | Rolldown.RolldownOutput[];
  const [chunk] = [built].flat().flatMap(({ output }) => output).filter((one) => one.type === 'chunk');
  if (chunk === undefined) throw new TypeError('nothing was bundled');
  return chunk.code;
}
