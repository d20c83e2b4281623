"""One call as it will stand in the journal."""

from daemon.journal.story import CALL, Story


def test_what_is_written_is_forgotten_and_what_may_change_stays() -> None:
    """Once stored, a running call holds its row and its last attempt; what it asks stays, for a file that is opened
    later."""
    story = Story(1, (), ("c1",), ("h", "k", "m", "emacs"), since=1.0)
    story.attempt(1)["status"] = 429
    story.attempt(2)
    story.steps.append((1.0, "sent", 2, None, None, None))
    story.settle(False)
    assert (story.stored, story.asked, story.steps, story.since) == (False, ("c1",), [], None)
    story.settle(True)
    assert (story.stored, story.asked, list(story.attempts)) == (True, ("c1",), [2])
    story.row["state"] = "done"
    assert CALL["state"] == "waiting"


def test_what_it_asks_is_written_again_only_when_it_has_moved() -> None:
    """Until that is in the file."""
    story = Story(1, (), ("c1",), ("h", "k", "m", "emacs"), stored=True, moved=True)
    story.settle(True)
    assert not story.moved
