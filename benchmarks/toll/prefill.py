"""A journal with as many calls as one wants, in seconds: SQLite makes them by itself, in the journal's own schema."""

from __future__ import annotations

import time
from pathlib import Path

from daemon.journal.database import open_database

CALLS = """INSERT OR IGNORE INTO calls (id, client, priority, state, arrived_at, sent_at, first_byte_at, ended_at,
        attempts, host, url, provider, key, pool, kind, model, stream, method, target, headers, estimate, body_bytes,
        answer_bytes, status, input_tokens, output_tokens, usage_reported)
    WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < :calls)
    SELECT 'c' || lower(hex(randomblob(6))), 'toll', 1, 'done', :end - :calls + n, :end - :calls + n,
        :end - :calls + n + 0.5, :end - :calls + n + 1, 1, 'provider.test', 'http://127.0.0.1:1', 'openai-compatible',
        'key:0123456789ab', 'quick', 'chat', 'quick', 0, 'POST', '["/v1/chat/completions"]',
        '[["User-Agent",["toll/1.0"]],["Authorization",["Bearer ",{"secret":"key:0123456789ab"}]],'
            || '["Content-Type",["application/json"]]]',
        350.0, 1100, 500, 200, 250, 60, 1
    FROM count"""
ATTEMPTS = """INSERT INTO attempts (call, attempt, sent_at, answered_at, first_byte_at, ended_at, status, headers)
    SELECT n, 1, arrived_at, arrived_at + 0.5, arrived_at + 0.5, ended_at, 200,
        '[["content-type","application/json",16],["content-length","500",3]]' FROM calls"""
STEPS = """INSERT INTO steps (call, at, kind, attempt, status)
    SELECT n, arrived_at + column2, column1, column3, column4
    FROM calls CROSS JOIN (VALUES ('queued', 0.0, 0, NULL), ('admitted', 0.0, 1, NULL), ('sent', 0.0, 1, NULL),
        ('answered', 0.5, 1, 200), ('first_byte', 0.5, 1, NULL), ('done', 1.0, 1, 200))"""


def prefill(state: Path, calls: int) -> None:
    """Make the journal of a state folder STATE with CALLS calls, newest a moment ago, a second apart.

    At a million calls they reach 12 days back, so retention by age (30 days) leaves them alone. About 1.2 GB.
    """
    state.mkdir(mode=0o700, exist_ok=True)
    db = open_database(state, time.time()).db
    try:
        db.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA secure_delete = OFF; BEGIN;")
        db.execute(CALLS, {"calls": calls, "end": time.time() - 10})
        db.execute(ATTEMPTS)
        db.execute(STEPS)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        db.close()
