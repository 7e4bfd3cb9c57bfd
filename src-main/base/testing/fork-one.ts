import { forkChild } from '../child.ts';

// Forks the module named and says on stdout what it tells.
forkChild(process.argv[2] ?? '').on('message', (message) => process.stdout.write(JSON.stringify(message)));
