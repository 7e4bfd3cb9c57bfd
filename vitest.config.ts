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
    // Native stages bring their own threads: more test files at once would only make them wait for each other.
    maxWorkers: 2,
    pool: 'forks',
  },
});
