-- Version 1. Times are RFC 3339 in UTC with nine digits of the second, so that text sorts as time does.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE incidents (
    id          TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    title       TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('open', 'waiting', 'contained', 'stuck', 'closed')),
    opened      TEXT NOT NULL,
    updated     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One credential has at most one incident that is not closed.
CREATE UNIQUE INDEX one_open ON incidents (fingerprint) WHERE status <> 'closed';

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

CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_remain BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;

-- The fence outlives the holder: it only grows.
CREATE TABLE leases (
    incident TEXT PRIMARY KEY REFERENCES incidents (id),
    fence    INTEGER NOT NULL,
    holder   TEXT,
    expires  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sealed (
    incident TEXT NOT NULL REFERENCES incidents (id),
    name     TEXT NOT NULL,
    box      BLOB NOT NULL,
    PRIMARY KEY (incident, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE postmortems (
    incident TEXT PRIMARY KEY REFERENCES incidents (id),
    markdown TEXT NOT NULL,
    json     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE debts (
    incident TEXT NOT NULL REFERENCES incidents (id),
    kind     TEXT NOT NULL,
    what     TEXT NOT NULL,
    due      TEXT NOT NULL,
    PRIMARY KEY (incident, kind)
) STRICT, WITHOUT ROWID;

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

CREATE INDEX inbox_open ON inbox (received, place) WHERE state IN ('waiting', 'taken');
