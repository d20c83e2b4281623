"""`python -m daemon.explain`: write the manual's page about all kinds of failure to standard output."""

from __future__ import annotations

import os
import sys

from daemon.arguments import Parser
from daemon.explain.catalogue import Catalogue
from daemon.explain.teach import page
from daemon.phrases import language_by, languages, phrase


def main() -> int:
    parser = Parser(prog="python -m daemon.explain", description="help.page", spoken=lambda: language_by(os.environ))
    known = ", ".join(sorted(languages()))
    parser.add_argument("--language", default="en", help=phrase("help.page_language", known=known))
    sys.stdout.write(page(Catalogue.load(), parser.parse_args().language))
    return 0


if __name__ == "__main__":
    sys.exit(main())
