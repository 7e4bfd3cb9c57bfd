import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';
import { join } from 'node:path';

const at = (...parts: string[]): string => join(import.meta.dirname, ...parts);

const entries = {
  electron: at('src-main', 'electron', 'index.ts'),
  cli: at('src-main', 'cli', 'main.ts'),
  'stage-worker': at('src-main', 'inference', 'worker', 'main.ts'),
  'embedding-worker': at('src-main', 'inference', 'embeddings', 'worker', 'main.ts'),
  'transfer-process': at('src-main', 'host', 'transfer-process.ts'),
  'node-process': at('src-main', 'host', 'node-process.ts'),
  'pdf-worker': at('src-main', 'documents', 'pdf-worker.ts'),
  'store-worker': at('src-main', 'host', 'store-worker.ts'),
};

export default defineConfig({
  main: {
    build: {
      outDir: at('out', 'main'), target: 'node24', minify: false, reportCompressedSize: false,
      rollupOptions: { input: entries, output: { format: 'es' as const, entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' } },
    },
  },
  preload: {
    build: {
      outDir: at('out', 'preload'), minify: false, reportCompressedSize: false,
      // A sandboxed preload is one CommonJS file and can require nothing but electron.
      externalizeDeps: false,
      rollupOptions: { input: { index: at('src-preload', 'index.ts') }, external: ['electron'], output: { format: 'cjs' as const, entryFileNames: '[name].cjs' } },
    },
  },
  renderer: {
    root: at('src-renderer'), base: './', plugins: [react()],
    // Their browser versions parse markup with innerHTML, which the page's policy (trusted types) forbids; these do without a document.
    resolve: { alias: { 'decode-named-character-reference': at('node_modules', 'decode-named-character-reference', 'index.js'), 'hast-util-from-html-isomorphic': at('node_modules', 'hast-util-from-html-isomorphic', 'lib', 'index.js') } },
    build: {
      outDir: at('out', 'renderer'), emptyOutDir: true, target: 'es2023', minify: true, reportCompressedSize: false, modulePreload: false, assetsInlineLimit: 0,
      rollupOptions: {
        input: { index: at('src-renderer', 'index.html') },
        // zod's setting stands in zod's own chunk: chunks are run whole, so that no schema can come before it.
        output: { codeSplitting: { groups: [{ name: 'zod', test: /node_modules[\\/]zod[\\/]|src-renderer[\\/]zod-setup/ }] } },
      },
    },
  },
});
