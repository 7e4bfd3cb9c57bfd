import { defineErrors, spec } from '../../base/index.ts';

export const zoneErrors = defineErrors('ZONE', {
  keyMissing: spec<{ path: string }>({
    fault: 'user', message: ({ path }) => `There is no zone key at ${path}.`,
    next: 'Join with an invite, copy the file from a member of the zone, or run: omninode zone new-key',
  }),
  keyCorrupt: spec<{ path: string }>({
    fault: 'user', message: ({ path }) => `The file ${path} does not hold a zone key: 64 hexadecimal digits and a line's end.`,
    next: 'Copy the file again from a member of the zone.',
  }),
  keyReadableByOthers: spec<{ path: string; mode: string }>({
    fault: 'user', message: ({ path, mode }) => `Other users of this machine may read the zone key ${path} (mode ${mode}).`,
    next: ({ path }) => `Run: chmod 600 ${path}`,
  }),
  keyExists: spec<{ path: string }>({
    fault: 'user', message: ({ path }) => `There is a zone key at ${path} already; without it this node is no member of its zone any more.`,
    next: 'Move the file away first, if that is what you want.',
  }),
});
