import { bytesToHex, hexToBytes } from 'viem';
import { SQLITE_CODES, SqliteFile, asPeerId, type PeerId } from '../../base/index.ts';
import type { Hex } from '../../chain/index.ts';
import { payErrors } from './errors.ts';
import { MAX_SESSION_RECEIPTS } from './options.ts';
import { scoreOf } from './score.ts';
import type { Terms } from './terms.ts';

export type Role = 'node' | 'payer';
/** opening: asked of the chain; open: work may be going on; closed: to be settled; done: nothing is left to do. */
export type SessionState = 'opening' | 'open' | 'closed' | 'done';

export interface BookedSession {
  readonly role: Role;
  readonly id: Hex;
  readonly chainId: number;
  readonly settlement: Hex;
  readonly work: Hex;
  readonly payer: Hex;
  /** Unix ms. */
  readonly openedMs: number;
  readonly state: SessionState;
  /** The payer's, 0 to 1e18 (scoreOf); undefined before the first answer. */
  readonly score: bigint | undefined;
}

/** One node's part. On a node: its own, and `peer` is the payer's. */
export interface BookedShare extends Terms {
  readonly peer: PeerId;
  /** As this side counted. */
  readonly tokens: number;
}

export interface BookedVoucher {
  readonly root: Hex;
  readonly signature: Hex;
  readonly path: readonly Hex[];
  readonly tokens: number;
  readonly receiptsRoot: Hex;
}

export interface BookedBill {
  readonly tokens: number;
  readonly receiptsRoot: Hex;
  readonly signature: Hex;
}

const MIGRATIONS = [`
CREATE TABLE session (
  role TEXT NOT NULL, id TEXT NOT NULL, chain INTEGER NOT NULL, settlement TEXT NOT NULL, work TEXT NOT NULL, payer TEXT NOT NULL,
  opened_ms INTEGER NOT NULL, state TEXT NOT NULL, score TEXT, PRIMARY KEY (role, id)) STRICT;
CREATE UNIQUE INDEX one_work ON session (work) WHERE role = 'node';
CREATE TABLE share (
  role TEXT NOT NULL, session TEXT NOT NULL, node TEXT NOT NULL, peer TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  price TEXT NOT NULL, cap TEXT NOT NULL, tokens INTEGER NOT NULL, PRIMARY KEY (role, session, node)) STRICT;
CREATE TABLE voucher (
  number INTEGER PRIMARY KEY AUTOINCREMENT, role TEXT NOT NULL, session TEXT NOT NULL, node TEXT NOT NULL, root TEXT NOT NULL, signature TEXT NOT NULL,
  path TEXT NOT NULL, tokens INTEGER NOT NULL, receipts TEXT NOT NULL, UNIQUE (role, session, node, root)) STRICT;
CREATE TABLE bill (
  role TEXT NOT NULL, session TEXT NOT NULL, node TEXT NOT NULL, tokens INTEGER NOT NULL, receipts TEXT NOT NULL, signature TEXT NOT NULL,
  PRIMARY KEY (role, session, node, tokens, receipts)) STRICT;
CREATE TABLE step (id TEXT PRIMARY KEY, attempt INTEGER NOT NULL) STRICT;
`, `
CREATE TABLE receipt (
  role TEXT NOT NULL, session TEXT NOT NULL, node TEXT NOT NULL, leaf BLOB NOT NULL, PRIMARY KEY (role, session, node, leaf)) STRICT, WITHOUT ROWID;
`, `
ALTER TABLE session ADD COLUMN answers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN well INTEGER NOT NULL DEFAULT 0;
CREATE TABLE rating (session TEXT NOT NULL, answer TEXT NOT NULL, is_good INTEGER NOT NULL, PRIMARY KEY (session, answer)) STRICT;
`];

/** With how many of its answers their owner called bad. */
const SESSIONS = 'SELECT session.*, (SELECT count(*) FROM rating WHERE rating.session = session.id AND is_good = 0) AS bad FROM session';

/** Newest vouchers that are kept for each node: the payer posts the last one, or an older one where it is slow. */
const KEPT_VOUCHERS = 256;

interface SessionRow { role: Role; id: Hex; chain: number; settlement: Hex; work: Hex; payer: Hex; opened_ms: number; state: SessionState; score: string | null; answers: number; well: number; bad: number }
interface ShareRow { session: Hex; node: Hex; peer: string; first: number; last: number; price: string; cap: string; tokens: number }
interface VoucherRow { root: Hex; signature: Hex; path: string; tokens: number; receipts: Hex }

/** What this home knows of paid sessions, of either side. Whatever a method wrote lies on the disk when it returns: a node works on the strength of a voucher. */
export class PayBook {
  readonly #file: SqliteFile;

  /** Throws PAY_BOOK_*. */
  constructor(path: string) {
    this.#file = new SqliteFile(path, {
      pragmas: 'PRAGMA synchronous = FULL', migrations: MIGRATIONS,
      tooNew: (version) => payErrors.bookTooNew({ path, version }),
      coded: (error, { code, reason }) => (code === SQLITE_CODES.corrupt || code === SQLITE_CODES.notADatabase ? payErrors.bookDamaged({ path, reason }, error) : payErrors.bookUnusable({ path, reason }, error)),
    });
  }

  close(): void {
    this.#file.close();
  }

  /** False: the session, or on a node its work, is there already. */
  begin({ role, id, chainId, settlement, work, payer, openedMs, state }: Omit<BookedSession, 'score'>, shares: readonly BookedShare[]): boolean {
    return this.#file.transaction(() => {
      const added = this.#file.run('INSERT OR IGNORE INTO session (role, id, chain, settlement, work, payer, opened_ms, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)', role, id, chainId, settlement, work, payer, openedMs, state);
      if (added === 0) return false;
      for (const { nodeId, peer, layers, price, cap, tokens } of shares) {
        this.#file.run('INSERT INTO share VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', role, id, nodeId, peer, layers.first, layers.last, `${price}`, `${cap}`, tokens);
      }
      return true;
    });
  }

  session(role: Role, id: Hex): BookedSession | undefined {
    const row = this.#file.get<SessionRow>(`${SESSIONS} WHERE role = ? AND id = ?`, role, id);
    return row === undefined ? undefined : sessionOf(row);
  }

  /** The newest first. */
  sessions(role?: Role, states: readonly SessionState[] = ['opening', 'open', 'closed', 'done']): readonly BookedSession[] {
    const rows = this.#file.all<SessionRow>(`${SESSIONS} ORDER BY opened_ms DESC, id`);
    return rows.filter((row) => (role === undefined || row.role === role) && states.includes(row.state)).map(sessionOf);
  }

  /** Of one that is done nobody can doubt a receipt any more: they are forgotten. */
  setState(role: Role, id: Hex, state: SessionState): void {
    this.#file.transaction(() => {
      this.#file.run('UPDATE session SET state = ? WHERE role = ? AND id = ?', state, role, id);
      if (state === 'done') this.#file.run('DELETE FROM receipt WHERE role = ? AND session = ?', role, id);
    });
  }

  /** An answer of a session that this home pays has ended. */
  answered(id: Hex, isWell: boolean): void {
    this.#file.run("UPDATE session SET answers = answers + 1, well = well + ? WHERE role = 'payer' AND id = ?", Number(isWell), id);
  }

  /** What its owner thinks of one answer that ended well; null: nothing any more. */
  rate(id: Hex, answer: string, isGood: boolean | null): void {
    if (isGood === null) this.#file.run('DELETE FROM rating WHERE session = ? AND answer = ?', id, answer);
    else this.#file.run('INSERT INTO rating VALUES (?, ?, ?) ON CONFLICT (session, answer) DO UPDATE SET is_good = excluded.is_good', id, answer, Number(isGood));
  }

  shares(role: Role, id: Hex): readonly BookedShare[] {
    const session = this.session(role, id);
    if (session === undefined) return [];
    return this.#file.all<ShareRow>('SELECT * FROM share WHERE role = ? AND session = ? ORDER BY first, node', role, id).map((row) => ({
      sessionId: id, workId: session.work, nodeId: row.node, peer: asPeerId(row.peer), layers: { first: row.first, last: row.last }, price: BigInt(row.price), cap: BigInt(row.cap), tokens: row.tokens,
    }));
  }

  /** Never lowers it. */
  count(role: Role, id: Hex, counts: ReadonlyMap<Hex, number>): void {
    this.#file.transaction(() => {
      for (const [node, tokens] of counts) this.#file.run('UPDATE share SET tokens = max(tokens, ?) WHERE role = ? AND session = ? AND node = ?', tokens, role, id, node);
    });
  }

  addVoucher(role: Role, id: Hex, parts: readonly (BookedVoucher & { readonly nodeId: Hex })[]): void {
    this.#file.transaction(() => {
      for (const { nodeId, root, signature, path, tokens, receiptsRoot } of parts) {
        this.#file.run('INSERT OR IGNORE INTO voucher (role, session, node, root, signature, path, tokens, receipts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)', role, id, nodeId, root, signature, JSON.stringify(path), tokens, receiptsRoot);
        this.#file.run('DELETE FROM voucher WHERE role = ? AND session = ? AND node = ? AND number NOT IN (SELECT number FROM voucher WHERE role = ? AND session = ? AND node = ? ORDER BY number DESC LIMIT ?)', role, id, nodeId, role, id, nodeId, KEPT_VOUCHERS);
      }
    });
  }

  /** The best first. */
  vouchers(role: Role, id: Hex, nodeId: Hex): readonly BookedVoucher[] {
    return this.#file.all<VoucherRow>('SELECT * FROM voucher WHERE role = ? AND session = ? AND node = ? ORDER BY tokens DESC, number DESC', role, id, nodeId)
      .map(({ root, signature, path, tokens, receipts }) => ({ root, signature, path: JSON.parse(path) as Hex[], tokens, receiptsRoot: receipts }));
  }

  addBill(role: Role, { sessionId, nodeId }: Pick<Terms, 'sessionId' | 'nodeId'>, { tokens, receiptsRoot, signature }: BookedBill): void {
    this.#file.run('INSERT OR IGNORE INTO bill VALUES (?, ?, ?, ?, ?, ?)', role, sessionId, nodeId, tokens, receiptsRoot, signature);
  }

  /** More than one of a node is a fault of it. */
  bills(role: Role, id: Hex, nodeId: Hex): readonly BookedBill[] {
    return this.#file.all<{ tokens: number; receipts: Hex; signature: Hex }>('SELECT * FROM bill WHERE role = ? AND session = ? AND node = ? ORDER BY rowid', role, id, nodeId)
      .map(({ tokens, receipts, signature }) => ({ tokens, receiptsRoot: receipts, signature }));
  }

  /** Leaves of receipts that a node signed in a session. One more is kept than a root can be of: from then on there is none. */
  addReceipts(role: Role, { sessionId, nodeId }: Pick<Terms, 'sessionId' | 'nodeId'>, leaves: readonly Hex[]): void {
    this.#file.transaction(() => {
      const { count } = this.#file.get<{ count: number }>('SELECT count(*) AS count FROM receipt WHERE role = ? AND session = ? AND node = ?', role, sessionId, nodeId) ?? { count: 0 };
      let room = MAX_SESSION_RECEIPTS + 1 - count;
      for (const leaf of leaves) if (room > 0) room -= this.#file.run('INSERT OR IGNORE INTO receipt VALUES (?, ?, ?, ?)', role, sessionId, nodeId, hexToBytes(leaf));
    });
  }

  /** In order. */
  receipts(role: Role, { sessionId, nodeId }: Pick<Terms, 'sessionId' | 'nodeId'>): readonly Hex[] {
    return this.#file.all<{ leaf: Uint8Array }>('SELECT leaf FROM receipt WHERE role = ? AND session = ? AND node = ? ORDER BY leaf', role, sessionId, nodeId).map(({ leaf }) => bytesToHex(leaf));
  }

  /** The payer's session that a receipt is of; undefined: none, or it is done. */
  sessionOfReceipt(leaf: Hex): Pick<Terms, 'sessionId' | 'nodeId'> | undefined {
    return this.#file.get<{ sessionId: Hex; nodeId: Hex }>("SELECT session AS sessionId, node AS nodeId FROM receipt WHERE role = 'payer' AND leaf = ?", hexToBytes(leaf));
  }

  /** How often a step failed for good: each attempt is another decision for the outbox. */
  attempt(step: string): number {
    return this.#file.get<{ attempt: number }>('SELECT attempt FROM step WHERE id = ?', step)?.attempt ?? 0;
  }

  failed(step: string): void {
    this.#file.run('INSERT INTO step VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET attempt = attempt + 1', step);
  }
}

const sessionOf = ({ role, id, chain, settlement, work, payer, opened_ms: openedMs, state, score, ...counts }: SessionRow): BookedSession =>
  ({ role, id, chainId: chain, settlement, work, payer, openedMs, state, score: score === null ? scoreOf(counts) : BigInt(score) });
