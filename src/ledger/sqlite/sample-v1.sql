-- A ledger of version 1 as the first stanch wrote it, with the sealing key 07 07 07 ... Never changed.
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
CREATE TABLE debts (
    incident TEXT NOT NULL REFERENCES incidents (id),
    kind     TEXT NOT NULL,
    what     TEXT NOT NULL,
    due      TEXT NOT NULL,
    PRIMARY KEY (incident, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO "debts" VALUES('inc-sample','resume','resume it','2026-09-21T14:13:23.123456789Z');
CREATE TABLE events (
    incident TEXT NOT NULL REFERENCES incidents (id),
    seq      INTEGER NOT NULL,
    at       TEXT NOT NULL,
    kind     TEXT NOT NULL,
    data     TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL,
    PRIMARY KEY (incident, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "events" VALUES('inc-sample',1,'2026-09-21T14:13:20.123456789Z','opened','{"a":[1,null,"é\u001b"],"n":0.1,"why":"opened"}','0000000000000000000000000000000000000000000000000000000000000000','ad6a98e66c33d31a859df3322a31d57be8fa17eafa00d628a0d022a64b4f54a5');
INSERT INTO "events" VALUES('inc-sample',2,'2026-09-21T14:13:22.123456789Z','stuck','{"a":[1,null,"é\u001b"],"n":0.1,"why":"stuck"}','ad6a98e66c33d31a859df3322a31d57be8fa17eafa00d628a0d022a64b4f54a5','d2e83dafe0ddf50762ae6b9c1dd13bfb6fe83e8ac6ec713baa07a6bbaa803b1c');
CREATE TABLE inbox (
    place      INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    source     TEXT NOT NULL,
    event      TEXT NOT NULL,
    body       BLOB NOT NULL,
    received   TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'taken', 'done', 'given-up')),
    not_before TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    note       TEXT NOT NULL,
    holder     TEXT
) STRICT;
INSERT INTO "inbox" VALUES(1,'d','github','push',X'3468201B7304089E29B002ABE8C8A0CFAB1DCB8EC93E7D527B6A3FE2480AD47C15C50B2AA40C483E8FD3','2026-09-21T14:13:24.123456789Z','waiting','2026-09-21T14:13:24.123456789Z',0,'',NULL);
CREATE TABLE incidents (
    id          TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    title       TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('open', 'waiting', 'contained', 'stuck', 'closed')),
    opened      TEXT NOT NULL,
    updated     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "incidents" VALUES('inc-sample','207acf8a60b8d43f449e591bbbce95b9','sandbox-prod','stuck','2026-09-21T14:13:20.123456789Z','2026-09-21T14:13:22.123456789Z');
CREATE TABLE leases (
    incident TEXT PRIMARY KEY REFERENCES incidents (id),
    fence    INTEGER NOT NULL,
    holder   TEXT,
    expires  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "leases" VALUES('inc-sample',1,NULL,'2026-09-21T14:14:22.123456789Z');
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('key-check',X'9938E6299661F2585D2AAE5B98B11996630E281DB336661D3B5B0EC7A7C797C8161CEB4DAA9FBE02191C736636D327B8DDE30E2934');
CREATE TABLE postmortems (
    incident TEXT PRIMARY KEY REFERENCES incidents (id),
    markdown TEXT NOT NULL,
    json     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "postmortems" VALUES('inc-sample','# Post-mortem','{}');
CREATE TABLE sealed (
    incident TEXT NOT NULL REFERENCES incidents (id),
    name     TEXT NOT NULL,
    box      BLOB NOT NULL,
    PRIMARY KEY (incident, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "sealed" VALUES('inc-sample','new',X'A9252BC87C17E80DBC01F43D03EF80864F1A4A17DF4565F43F51493ACEC01C46150D8F2A0BD875C3B7371CB0A987DEF51E2FBA63C0313807A2E4DC');
CREATE UNIQUE INDEX one_open ON incidents (fingerprint) WHERE status <> 'closed';
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_remain BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE INDEX inbox_open ON inbox (received, place) WHERE state IN ('waiting', 'taken');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('inbox',1);
COMMIT;
PRAGMA application_id = 1937010275;
PRAGMA user_version = 1;
