/**
 * The tables, one step a version; a step is never changed once released. Times are milliseconds since 1970.
 * `messages` is a forest per conversation: variants are siblings, is_chosen picks one of them, and on_path marks the
 * chosen branch from its root to its leaf, so that a page of it is one look-up by depth.
 */
export const MIGRATIONS: readonly string[] = [`
  CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    is_titled INTEGER NOT NULL CHECK (is_titled IN (0, 1)),
    folder TEXT,
    is_pinned INTEGER NOT NULL CHECK (is_pinned IN (0, 1)),
    system TEXT NOT NULL,
    options TEXT NOT NULL,
    draft TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX conversations_order ON conversations (is_pinned, updated_at);

  -- finish, error: JSON. writer: the process that writes the answer now.
  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    parent_id TEXT,
    depth INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    content TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('done', 'writing', 'interrupted', 'failed')),
    finish TEXT,
    error TEXT,
    writer INTEGER,
    is_chosen INTEGER NOT NULL CHECK (is_chosen IN (0, 1)),
    on_path INTEGER NOT NULL CHECK (on_path IN (0, 1)),
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX messages_tree ON messages (conversation_id, parent_id, seq);
  CREATE INDEX messages_path ON messages (conversation_id, depth) WHERE on_path = 1;
  CREATE INDEX messages_writing ON messages (conversation_id) WHERE state = 'writing';

  CREATE TABLE presets (
    name TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    options TEXT NOT NULL
  ) STRICT;

  -- Of whole messages only: an answer is found once it has ended.
  CREATE VIRTUAL TABLE found USING fts5 (content, content = 'messages', content_rowid = 'seq', tokenize = 'unicode61 remove_diacritics 2');
  CREATE TRIGGER found_insert AFTER INSERT ON messages WHEN new.state <> 'writing' BEGIN
    INSERT INTO found (rowid, content) VALUES (new.seq, new.content);
  END;
  CREATE TRIGGER found_delete AFTER DELETE ON messages WHEN old.state <> 'writing' BEGIN
    INSERT INTO found (found, rowid, content) VALUES ('delete', old.seq, old.content);
  END;
  CREATE TRIGGER found_before AFTER UPDATE OF content, state ON messages WHEN old.state <> 'writing' BEGIN
    INSERT INTO found (found, rowid, content) VALUES ('delete', old.seq, old.content);
  END;
  CREATE TRIGGER found_end AFTER UPDATE OF content, state ON messages WHEN old.state = 'writing' AND new.state <> 'writing' BEGIN
    INSERT INTO found (rowid, content) VALUES (new.seq, new.content);
  END;
`, `
  -- Texts of files. Until a question is sent with it, one belongs to no conversation.
  CREATE TABLE attachments (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    conversation_id TEXT REFERENCES conversations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    chars INTEGER NOT NULL,
    pages INTEGER,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX attachments_conversation ON attachments (conversation_id);

  -- Variants of a question share what is attached to them. place: their order.
  CREATE TABLE message_attachments (
    message_seq INTEGER NOT NULL REFERENCES messages (seq) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    attachment_seq INTEGER NOT NULL REFERENCES attachments (seq) ON DELETE CASCADE,
    PRIMARY KEY (message_seq, place)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX message_attachments_attachment ON message_attachments (attachment_seq);

  CREATE VIRTUAL TABLE found_attachments USING fts5 (content, name, content = 'attachments', content_rowid = 'seq', tokenize = 'unicode61 remove_diacritics 2');
  -- Words of deleted texts leave the indexes too.
  INSERT INTO found (found, rank) VALUES ('secure-delete', 1);
  INSERT INTO found_attachments (found_attachments, rank) VALUES ('secure-delete', 1);
  CREATE TRIGGER found_attachments_insert AFTER INSERT ON attachments BEGIN
    INSERT INTO found_attachments (rowid, content, name) VALUES (new.seq, new.content, new.name);
  END;
  CREATE TRIGGER found_attachments_delete AFTER DELETE ON attachments BEGIN
    INSERT INTO found_attachments (found_attachments, rowid, content, name) VALUES ('delete', old.seq, old.content, old.name);
  END;
`, `
  -- Of an answer that was paid for: by which session, and what its owner thinks of it.
  ALTER TABLE messages ADD COLUMN paid_session TEXT;
  ALTER TABLE messages ADD COLUMN rating TEXT CHECK (rating IN ('good', 'bad'));
`];
