import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { peerIdFromString } from '@libp2p/peer-id';
import { z } from 'zod';
import { writeAtomically, type Clock } from '../../base/index.ts';
import { hostOf } from './host-of.ts';
import { BANS_CHECK_MS, MAX_BAN_REASON, MAX_BANS } from './constants.ts';
import { zoneErrors } from './errors.ts';

const ban = z.strictObject({
  /** A peer id or an IP address. */
  subject: z.string().min(1).max(128).refine((text) => isSubject(text)),
  reason: z.string().max(MAX_BAN_REASON),
  /** Unix time in ms. */
  sinceMs: z.number().int().min(0),
  /** Null: until it is lifted. */
  untilMs: z.number().int().min(0).nullable(),
});
export type Ban = Readonly<z.infer<typeof ban>>;

const bansFile = z.strictObject({ version: z.literal(1), bans: z.array(ban).max(MAX_BANS) });
const MAX_FILE_BYTES = MAX_BANS * 1024;

/** Throws ZONE_BAD_SUBJECT for what can be no subject of a ban. */
export function banSubject(text: string): string {
  const subject = isIP(text) === 0 ? text : hostOf(text);
  if (!isSubject(subject)) throw zoneErrors.badSubject({ subject: text });
  return subject;
}

function isSubject(text: string): boolean {
  if (isIP(text) !== 0) return true;
  try {
    return peerIdFromString(text).toString() === text;
  } catch {
    return false;
  }
}

/**
 * Who is banned, for how long and why. Kept in a file when there is a path; several processes of one home (the node, the one that
 * moves shards, the CLI) share it: each looks at it about once a second, and the last writer of two at once wins.
 */
export class BanList {
  readonly #path: string | undefined;
  readonly #clock: Clock;
  #bans = new Map<string, Ban>();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #stamp = '';
  #turn: Promise<unknown> = Promise.resolve();

  constructor(path: string | undefined, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** As of the last look at the file. */
  isBanned(subject: string): boolean {
    const found = this.#bans.get(subject);
    return found !== undefined && (found.untilMs === null || found.untilMs > this.#clock.now());
  }

  async list(): Promise<readonly Ban[]> {
    await this.#inTurn(() => this.#read());
    return [...this.#bans.values()].filter(({ subject }) => this.isBanned(subject));
  }

  /** Looks at the file, at most once in BANS_CHECK_MS. Throws ZONE_BANS_UNREADABLE. */
  async refresh(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#readAtMs < BANS_CHECK_MS) return;
    await this.#inTurn(() => this.#read());
  }

  /** Throws ZONE_BAD_SUBJECT, ZONE_BANS_FULL, ZONE_BANS_UNREADABLE. */
  async add(subject: string, { reason, durationMs }: { readonly reason: string; readonly durationMs?: number | undefined }): Promise<Ban> {
    const nowMs = this.#clock.now();
    const added: Ban = { subject: banSubject(subject), reason: reason.slice(0, MAX_BAN_REASON), sinceMs: nowMs, untilMs: durationMs === undefined ? null : nowMs + durationMs };
    await this.#change(() => {
      if (!this.#bans.has(added.subject) && this.#bans.size >= MAX_BANS) throw zoneErrors.bansFull({ limit: MAX_BANS });
      this.#bans.set(added.subject, added);
    });
    return added;
  }

  /** False when there was none. */
  async remove(subject: string): Promise<boolean> {
    let wasThere = false;
    await this.#change(() => { wasThere = this.#bans.delete(banSubject(subject)); });
    return wasThere;
  }

  #change(apply: () => void): Promise<void> {
    return this.#inTurn(async () => {
      await this.#read();
      for (const { subject } of this.#bans.values()) if (!this.isBanned(subject)) this.#bans.delete(subject);
      apply();
      await this.#write();
    });
  }

  async #read(): Promise<void> {
    this.#readAtMs = this.#clock.monotonicMs();
    if (this.#path === undefined) return;
    const found = await stat(this.#path).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : Promise.reject(error)));
    const stamp = found === undefined ? '' : `${found.ino} ${found.mtimeMs} ${found.size}`;
    if (stamp === this.#stamp) return;
    this.#bans = found === undefined ? new Map() : await readBans(this.#path, found.size);
    this.#stamp = stamp;
  }

  async #write(): Promise<void> {
    if (this.#path === undefined) return;
    const text = `${JSON.stringify({ version: 1, bans: [...this.#bans.values()] } satisfies z.infer<typeof bansFile>, undefined, 1)}\n`;
    await writeAtomically(this.#path, async (file) => void (await file.writeFile(text)), 0o600);
    this.#stamp = '';
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

async function readBans(path: string, sizeBytes: number): Promise<Map<string, Ban>> {
  if (sizeBytes > MAX_FILE_BYTES) throw zoneErrors.bansUnreadable({ path });
  try {
    const { bans } = bansFile.parse(JSON.parse(await readFile(path, 'utf8')));
    return new Map(bans.map((one) => [one.subject, one]));
  } catch (cause) {
    throw zoneErrors.bansUnreadable({ path }, cause);
  }
}
