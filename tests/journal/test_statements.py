"""The SQL fits the schema."""

from collections import defaultdict

from daemon.journal import statements
from daemon.journal.database import open_database


def test_every_statement_fits_the_schema(tmp_path):
    """Each is prepared by SQLite itself: a misspelt column would fail here."""
    db = open_database(tmp_path, 1.0).db
    found = [words for name, words in vars(statements).items() if name.isupper() and isinstance(words, str)]
    assert len(found) >= 10
    by_name: defaultdict[str, None] = defaultdict(lambda: None)
    for words in found:
        db.execute("EXPLAIN " + words, [None] * words.count("?") if "?" in words else by_name)
    for words in (statements.BEGIN_CALL, statements.TRY, statements.STEP, statements.KNOWN):
        several = statements.many(words, 3)
        db.execute("EXPLAIN " + several, [None] * several.count("?"))
        assert several.count("?") == 3 * words.count("?")
    db.close()
