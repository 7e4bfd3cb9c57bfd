/**
 * For every Node that the app runs on; children take it over (src-main/base/child.ts). V8 doubles the room for young objects
 * whenever as much as fills it has survived since the last time, up to 128 MiB in all: a process under steady load grows for an
 * hour although it keeps nothing. With at most twice these MiB it is soon as large as it ever gets.
 */
export const HEAP_FLAGS = ['--max-semi-space-size=16'];
