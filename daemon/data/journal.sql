-- The journal's tables. Each "version" section is one migration, run once and in order, each in a transaction of its
-- own with its number. Never edit a section that has been released: add the next one.
-- Times are Unix seconds. JSON columns hold texts that have passed the redactor.

-- version 1

CREATE TABLE calls (
    n              INTEGER PRIMARY KEY AUTOINCREMENT, -- order of arrival
    id             TEXT NOT NULL UNIQUE,
    ref            TEXT,                              -- the client's own id
    client         TEXT NOT NULL,
    priority       INTEGER NOT NULL,
    state          TEXT NOT NULL,                     -- waiting, running, held; done, failed, cancelled, interrupted
    arrived_at     REAL NOT NULL,
    sent_at        REAL,                              -- of the first attempt
    first_byte_at  REAL,
    ended_at       REAL,
    waited_s       REAL NOT NULL DEFAULT 0,           -- in queues, all attempts together
    attempts       INTEGER NOT NULL DEFAULT 0,
    host           TEXT NOT NULL,
    url            TEXT NOT NULL,                     -- the origin's: scheme, host, path prefix
    provider       TEXT NOT NULL,
    key            TEXT NOT NULL,                     -- bucket name
    pool           TEXT NOT NULL,                     -- the scope's model or group of models
    kind           TEXT NOT NULL,
    model          TEXT,
    stream         INTEGER NOT NULL,
    method         TEXT NOT NULL,
    target         TEXT NOT NULL,                     -- JSON: plain pieces, and {"secret": bucket name}
    headers        TEXT NOT NULL,                     -- JSON: [name, pieces] in order
    estimate       REAL,                              -- tokens, before the call
    body_bytes     INTEGER NOT NULL,                  -- as sent
    body_kept      INTEGER NOT NULL DEFAULT 0,        -- size of the file bodies/ID.request; 0: none
    body_changed   INTEGER NOT NULL DEFAULT 0,        -- 1: a key stood in it and was taken out
    answer_bytes   INTEGER NOT NULL DEFAULT 0,
    answer_kept    INTEGER NOT NULL DEFAULT 0,        -- size of the file bodies/ID.answer; 0: none
    status         INTEGER,
    subtype        TEXT,
    family         TEXT,
    line           TEXT,                              -- what happened, for people
    explanation    TEXT,                              -- JSON
    input_tokens   INTEGER,
    output_tokens  INTEGER,
    cached_tokens  INTEGER,
    written_tokens INTEGER,
    usage_reported INTEGER
);
CREATE INDEX calls_ref ON calls(ref) WHERE ref IS NOT NULL;
CREATE INDEX calls_arrived ON calls(arrived_at);
CREATE INDEX calls_failed ON calls(n) WHERE state = 'failed';
CREATE INDEX calls_open ON calls(n) WHERE state IN ('waiting', 'running', 'held');

CREATE TABLE attempts (
    call          INTEGER NOT NULL REFERENCES calls(n) ON DELETE CASCADE,
    attempt       INTEGER NOT NULL,
    sent_at       REAL,
    answered_at   REAL,
    first_byte_at REAL,
    ended_at      REAL,
    status        INTEGER,
    headers       TEXT,    -- JSON: [name, value, length]; value null where the name is not on the list
    readings      TEXT,    -- JSON: limits as the headers state them
    fault         TEXT,
    sent          INTEGER, -- with a fault: 1 if bytes had gone out
    detail        TEXT,
    body          TEXT,    -- of a failure
    subtype       TEXT,
    line          TEXT,
    PRIMARY KEY (call, attempt)
);

CREATE TABLE steps (
    call    INTEGER NOT NULL REFERENCES calls(n) ON DELETE CASCADE,
    at      REAL NOT NULL,
    kind    TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    status  INTEGER,
    wait_s  REAL,
    reason  TEXT
);
CREATE INDEX steps_call ON steps(call);

CREATE TABLE memory (
    kind  TEXT NOT NULL,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, key)
);

-- version 2

-- What was used, added up. It stays when the calls themselves have been deleted.
CREATE TABLE ledger (
    day          TEXT NOT NULL,                     -- local date, 2026-11-28
    host         TEXT NOT NULL,
    key          TEXT NOT NULL,                     -- bucket name
    model        TEXT NOT NULL,                     -- - : without a model
    client       TEXT NOT NULL,
    calls        INTEGER NOT NULL DEFAULT 0,
    failed       INTEGER NOT NULL DEFAULT 0,
    input        INTEGER NOT NULL DEFAULT 0,
    output       INTEGER NOT NULL DEFAULT 0,
    cached_input INTEGER NOT NULL DEFAULT 0,
    cache_write  INTEGER NOT NULL DEFAULT 0,
    estimated    INTEGER NOT NULL DEFAULT 0,        -- calls whose tokens we counted
    PRIMARY KEY (day, host, key, model, client)
);
INSERT INTO ledger
    SELECT date(ended_at, 'unixepoch', 'localtime'), host, key, coalesce(model, '-'), client, count(*),
        sum(state = 'failed'), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
        coalesce(sum(cached_tokens), 0), coalesce(sum(written_tokens), 0), coalesce(sum(usage_reported = 0), 0)
    FROM calls WHERE state IN ('done', 'failed') AND ended_at IS NOT NULL GROUP BY 1, 2, 3, 4, 5;

-- version 3

ALTER TABLE calls ADD COLUMN how TEXT;            -- answered without a request of its own: same, batch, cache
ALTER TABLE calls ADD COLUMN answered_with TEXT;  -- id of the call that was sent
