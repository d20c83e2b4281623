"""What went wrong, and what now?  Face: `Catalogue`."""

from daemon.explain.catalogue import Catalogue

__all__ = ["Catalogue"]
