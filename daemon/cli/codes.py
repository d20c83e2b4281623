"""How a command ends, for whoever called it."""

OK, FAILED, USAGE, RUNNING, INTERRUPTED = 0, 1, 2, 3, 130
