import { silentLogger } from '../../base/index.ts';
import { Chats } from '../index.ts';

// Writes an answer that never ends, says when some of it is saved, and waits to be killed.
const [path = ''] = process.argv.slice(2);
const chats = new Chats({
  path, logger: silentLogger, options: { saveEveryMs: 1 },
  answerer: {
    chat: async function* () {
      yield { text: 'begun and saved' };
      await new Promise(() => undefined);
    },
  },
});
const { id } = chats.create();
chats.send({ id, text: 'a question' });
const look = (): void => {
  const last = chats.open({ id, limit: 10 }).messages.at(-1);
  if (last?.content === 'begun and saved') process.stdout.write(`${id}\n`);
  else setTimeout(look, 1);
};
look();
