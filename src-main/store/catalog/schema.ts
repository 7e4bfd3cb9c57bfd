/**
 * The catalogue's tables, one step a version; a step is never changed once released.
 * Times are milliseconds since 1970.
 */
export const MIGRATIONS: readonly string[] = [`
  -- leaf_hashes: 32 bytes a leaf, in order; checked against cid when read.
  CREATE TABLE shards (
    cid TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    leaf_hashes BLOB NOT NULL,
    used_at INTEGER NOT NULL
  ) STRICT;

  -- Where shards lie. present: bits of the leaves that are there and synced, NULL when all are.
  -- pending: bits of leaves written since, which count only after they were hashed again.
  CREATE TABLE files (
    path TEXT PRIMARY KEY,
    cid TEXT NOT NULL REFERENCES shards (cid),
    mtime_ms REAL NOT NULL,
    is_owned INTEGER NOT NULL CHECK (is_owned IN (0, 1)),
    present BLOB,
    pending BLOB
  ) STRICT;
  CREATE INDEX files_cid ON files (cid);

  -- manifest: DAG-CBOR.
  CREATE TABLE models (
    cid TEXT PRIMARY KEY,
    manifest BLOB NOT NULL,
    added_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE model_pieces (
    model_cid TEXT NOT NULL REFERENCES models (cid) ON DELETE CASCADE,
    cid TEXT NOT NULL,
    PRIMARY KEY (model_cid, cid)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX model_pieces_cid ON model_pieces (cid);

  -- Of a shard or of a whole model.
  CREATE TABLE pins (cid TEXT PRIMARY KEY) STRICT;

  -- Who uses what at the moment: a CID or a folder.
  CREATE TABLE leases (
    id INTEGER PRIMARY KEY,
    resource TEXT NOT NULL,
    pid INTEGER NOT NULL,
    is_exclusive INTEGER NOT NULL CHECK (is_exclusive IN (0, 1))
  ) STRICT;
  CREATE INDEX leases_resource ON leases (resource);

  CREATE TABLE providers (
    cid TEXT NOT NULL,
    peer TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (cid, peer)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX providers_expiry ON providers (expires_at);
`, `
  -- pieces: of a manifest's shards and then its vocabulary, one bit each; NULL when it was not said.
  ALTER TABLE providers ADD COLUMN pieces BLOB;
  CREATE INDEX providers_peer ON providers (peer);

  -- Where who provides something is reached: JSON lists of multiaddrs, of its transfers and of the node itself.
  -- at: the time in its last announcement, by its own clock.
  CREATE TABLE announcers (
    peer TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    addresses TEXT NOT NULL,
    node_addresses TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX announcers_expiry ON announcers (expires_at);
`, `
  -- Which files are whole models, or parts of one, and whence: hf:owner/repo@commit/file, an address or a path.
  -- is_kept: counts as pinned without a pin, as every download does until the user unpins it.
  CREATE TABLE model_files (
    path TEXT PRIMARY KEY,
    origin TEXT NOT NULL,
    is_kept INTEGER NOT NULL CHECK (is_kept IN (0, 1))
  ) STRICT;

  -- The file that a model of shards was cut from.
  CREATE TABLE model_sources (
    model_cid TEXT PRIMARY KEY REFERENCES models (cid) ON DELETE CASCADE,
    path TEXT NOT NULL
  ) STRICT;

  -- Shards that are no files: header, then ranges of the files of a model. leaf_hashes as in shards.
  CREATE TABLE derived (
    cid TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    leaf_hashes BLOB NOT NULL,
    header BLOB NOT NULL,
    model_path TEXT NOT NULL
  ) STRICT;
  CREATE INDEX derived_model ON derived (model_path);
  -- path is NULL where one 32-bit word is repeated.
  CREATE TABLE derived_ranges (
    cid TEXT NOT NULL REFERENCES derived (cid) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    path TEXT,
    offset_or_word INTEGER NOT NULL,
    PRIMARY KEY (cid, at)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX derived_ranges_path ON derived_ranges (path);

  -- What is to be remembered of the catalogue itself.
  CREATE TABLE state (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;

  -- Peers that sent other blocks than they said, and until when they are not sought out.
  CREATE TABLE liars (
    peer TEXT PRIMARY KEY,
    lies INTEGER NOT NULL,
    until INTEGER NOT NULL
  ) STRICT;
`, `
  -- Downloads from hubs that were begun and are not whole; path: where the whole file will lie.
  CREATE TABLE downloads (
    path TEXT PRIMARY KEY,
    origin TEXT NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0)
  ) STRICT;

  -- Room that processes keep for files that are to come, by the whole file's path and size.
  CREATE TABLE reservations (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    pid INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX reservations_path ON reservations (path);
`];
