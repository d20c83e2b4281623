"""The SQL fits the schema."""

from collections import defaultdict

from daemon.journal import statements
from daemon.journal.database import open_database


def test_every_statement_fits_the_schema(tmp_path):
    """Each is prepared by SQLite itself: a misspelt column would fail here."""
    db = open_database(tmp_path, 1.0).db
    names = [name for name in vars(statements) if name.isupper()]
    assert len(names) > 15
    parameters: defaultdict[str, None] = defaultdict(lambda: None)
    for name in names:
        db.execute("EXPLAIN " + getattr(statements, name), parameters)
    db.close()
