import { defineErrors, spec } from '../../base/index.ts';

/** Nothing of a secret stands in any of them. */
export const secretErrors = defineErrors('SECRET', {
  unreadable: spec<{ path: string }>({ fault: 'local', message: (m) => `${m.path} does not hold what this node kept there`, next: 'Keep the secret again, or remove the file.' }),
  readableByOthers: spec<{ path: string; mode: string }>({ fault: 'user', message: (m) => `other users of this machine may read ${m.path} (mode ${m.mode})`, next: (m) => `Run \`chmod 600 ${m.path}\`, and change the secret if others use this machine.` }),
  sealed: spec<{ path: string }>({ fault: 'user', message: (m) => `${m.path} was sealed by the desktop app for this user, and cannot be opened here`, next: 'Use the desktop app, or keep the secret again for this program.' }),
});
