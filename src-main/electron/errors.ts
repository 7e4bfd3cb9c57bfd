import { defineErrors, spec } from '../base/index.ts';

export const electronErrors = defineErrors('ELECTRON', {
  foreignSender: spec<Record<string, never>>({ fault: 'user', message: () => 'only the app\'s own page may use this node', next: 'Close the foreign page and open the app\'s window again.' }),
  loginItemFailed: spec<{ reason: string }>({ fault: 'local', message: (m) => `opening at login could not be changed: ${m.reason}`, next: 'Change it in the system\'s own settings.' }),
  noUpdate: spec<Record<string, never>>({ fault: 'user', message: () => 'no newer version has been downloaded', next: 'Look for one first.' }),
  updateFailed: spec<{ reason: string }>({ fault: 'peer', retryable: true, message: (m) => `a newer version could not be had: ${m.reason}`, next: 'Try again later; this version goes on working.' }),
  badSeal: spec<Record<string, never>>({ fault: 'local', message: () => 'the system cannot open what it sealed', next: 'Keep the secret again.' }),
  noDocument: spec<Record<string, never>>({ fault: 'local', retryable: true, message: () => 'a document of the wallet could not be shown', next: 'Ask for it again.' }),
});
