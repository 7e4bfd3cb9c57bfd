import { defineErrors, spec } from '../base/index.ts';

export const electronErrors = defineErrors('ELECTRON', {
  foreignSender: spec<Record<string, never>>({ fault: 'user', message: () => 'only the app\'s own page may use this node', next: 'Close the foreign page and open the app\'s window again.' }),
});
