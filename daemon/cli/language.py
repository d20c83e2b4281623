"""In which language the command line speaks: as told, else as configured, which may be the system's."""

from __future__ import annotations

import argparse

from daemon.cli.options import environment, paths
from daemon.errors import ConfigError
from daemon.phrases import short


def chosen(options: argparse.Namespace) -> str:
    """The language for all that a command prints. A wrong configuration is no reason to fail here: it is told later."""
    told = getattr(options, "language", None)
    if told:
        return short(told)
    from daemon.config import load

    try:
        where = paths(options)
        return load(where.config_file, environ=environment(options), must_exist=where.config_told).language
    except ConfigError:
        return "en"
