"""Kinds of failure as a person types them: a slip would find nothing, and look as if nothing had failed."""

from __future__ import annotations

from daemon import TYPE_CHECKING
from daemon.errors import InvalidCall
from daemon.phrases import phrase

if TYPE_CHECKING:
    from argparse import Namespace


def refuse_unknown(options: Namespace) -> None:
    """Raise InvalidCall if `--subtype` names a kind of failure that there is not; say which may be meant."""
    if not options.subtype:
        return
    from daemon.cli.options import paths
    from daemon.explain import Catalogue
    from daemon.slips import nearest

    known = [str(row["subtype"]) for row in Catalogue.load(paths(options).rules_dir).subtypes()]
    if options.subtype in known:
        return
    near = nearest(options.subtype, known, like=0.6)
    if near:
        raise InvalidCall(phrase("calls.no_kind_near", name=options.subtype, near=near))
    raise InvalidCall(phrase("calls.no_kind", name=options.subtype))
