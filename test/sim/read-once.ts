import { open, type Envelope } from '../../src-main/mesh/capability/message.ts';

/** Messages that are remembered: all of a thousand nodes that are still under way. */
const MAX_REMEMBERED = 8_000;

/**
 * Reads a message as a node does, signature included, and remembers it: the next node that gets the very same bytes gets what was read of them. So a
 * thousand directories hold one copy of what each node said, and not a thousand.
 */
export function readOnce(): (bytes: Uint8Array) => Envelope {
  const known = new Map<string, Envelope>();
  return (bytes) => {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    const read = known.get(key) ?? open(Uint8Array.from(bytes));
    known.delete(key);
    known.set(key, read);
    if (known.size > MAX_REMEMBERED) known.delete(known.keys().next().value as string);
    return read;
  };
}
