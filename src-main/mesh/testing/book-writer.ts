import { asPeerId, silentLogger, systemClock } from '../../base/index.ts';
import { AddressBook } from '../discovery/address-book.ts';
import { BookFile } from '../discovery/book-file.ts';

// Writes an address book again and again, each time with one more peer, and says how many were written: to be killed at any moment.
const book: AddressBook = new AddressBook(systemClock, () => file.touch());
const file = new BookFile(process.argv[2] ?? '', { logger: silentLogger, content: () => book.content() });
book.restore(await file.load());
for (let i = book.size; ; i += 1) {
  const peer = asPeerId(`peer${i}`);
  book.reached(peer, `/ip4/10.0.0.1/tcp/4001/p2p/${peer}`);
  await file.flush();
  process.stdout.write(`${i + 1}\n`);
}
