"""`python -m daemon.explain`: write the manual's page about all kinds of failure to standard output."""

from __future__ import annotations

import argparse
import sys

from daemon.explain.catalogue import Catalogue
from daemon.explain.teach import page


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m daemon.explain", description=__doc__)
    parser.add_argument("--language", default="en", help="of the words: en, ko, zh")
    sys.stdout.write(page(Catalogue.load(), parser.parse_args().language))
    return 0


if __name__ == "__main__":
    sys.exit(main())
