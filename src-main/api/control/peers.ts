import { Readable } from 'node:stream';
import type { HostService } from '../ports.ts';
import type { PeerRow, PeersNow } from './schema.ts';

/** Changes of this time are told together. */
const GATHER_MS = 200;
/** Said again though nothing changed: round trips move, and who reads knows that we are there. */
const AGAIN_MS = 15_000;
/** Of a reader who does not read. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

/** Who is there: connected, or known by what it told of itself, or both. */
export function peersNow(host: HostService): PeersNow {
  const [links, members] = [host.peers(), host.members?.() ?? []];
  const stages = Map.groupBy(host.stages(), ({ peerId }) => peerId);
  const [self, standing] = [host.self?.(), host.standing?.()];
  const ids = new Set([...members.map(({ peerId }) => peerId), ...links.map(({ peerId }) => peerId)]);
  const peers = [...ids].map((peerId): PeerRow => {
    const [link, member, layers] = [links.find((one) => one.peerId === peerId), members.find((one) => one.peerId === peerId), stages.get(peerId)];
    return {
      peerId, ...(link === undefined ? {} : { link }), ...(member === undefined ? {} : { member }),
      ...(layers === undefined ? {} : { stages: layers.map((stage) => ({ layers: stage.layers, ownership: stage.ownership, state: stage.state })) }),
    };
  });
  return { ...(self === undefined ? {} : { self }), ...(standing === undefined ? {} : { standing }), peers };
}

/** A line of JSON now, and one after each change, until the reader goes. */
export function peersStream(host: HostService): Readable {
  const stream = new Readable({ read: () => undefined });
  const tell = (): void => {
    if (stream.readableLength > MAX_UNREAD_BYTES) return void stream.destroy();
    stream.push(`${JSON.stringify(peersNow(host))}\n`);
  };
  let gathering: NodeJS.Timeout | undefined;
  const gather = (): void => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      tell();
    }, GATHER_MS);
  };
  const again = setInterval(gather, AGAIN_MS);
  const offs = [host.events.on('peers', gather), host.events.on('members', gather), host.events.on('stages', gather), host.events.on('standing', gather)];
  stream.once('close', () => {
    clearInterval(again);
    clearTimeout(gathering);
    for (const off of offs) off();
  });
  tell();
  return stream;
}
