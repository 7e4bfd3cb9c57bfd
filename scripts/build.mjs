// `npm run build`: everything that `npm start` would build, without starting it.
import { ensureReady } from './lib/ready.mjs';
import { main } from './lib/say.mjs';

await main(async () => {
  await ensureReady();
  return 0;
});
