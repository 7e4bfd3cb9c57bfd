import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [react()],
  test: {
    include: ['src-*/**/*.test.{ts,tsx}', 'test/**/*.test.ts', 'scripts/**/*.test.mjs'],
    exclude: ['**/node_modules/**', 'test/perf/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    retry: 0,
    // Processes that tests start from sources share what was compiled: it is half of what each takes to start.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, '.cache', 'node') },
    // The default of one second is less than the page takes to show a second change of who is there (CALM_MS), and than a busy machine takes for anything.
    expect: { poll: { timeout: 30_000 } },
    // Most files wait for processes and timers most of the time; more of them at once would make native stages, which bring their own threads, wait for each other.
    maxWorkers: 3,
    pool: 'forks',
  },
});
