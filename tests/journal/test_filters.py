"""Filters as SQL: what is asked for, and nothing else, whatever stands in a value."""

from __future__ import annotations

import sqlite3

from daemon.journal.filters import condition


def test_nothing_asked_is_all() -> None:
    """Without a filter the condition holds for each row."""
    assert condition(100.0) == ("1", [])


def test_values_are_never_sql() -> None:
    """Each filter is one clause, and each value goes by a mark."""
    evil = "x' OR 1=1 --"
    where, values = condition(
        100.0, failed=True, since_s=10.0, model=evil, client=evil, subtype=evil, host=evil, ids=[evil, "c1"]
    )
    assert "OR 1" not in where
    assert where.count("?") == len(values) == 6
    assert values[0] == 90.0
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE calls (id, state, arrived_at, model, client, subtype, host)")
    db.execute("INSERT INTO calls VALUES ('c1', 'failed', 95, ?, ?, ?, ?)", (evil,) * 4)
    db.execute("INSERT INTO calls VALUES ('c2', 'failed', 95, ?, ?, ?, ?)", (evil,) * 4)
    db.execute("INSERT INTO calls VALUES ('c1', 'done', 95, ?, ?, ?, ?)", (evil,) * 4)
    assert db.execute(f"SELECT count(*) FROM calls WHERE {where}", values).fetchone() == (1,)
    db.close()
