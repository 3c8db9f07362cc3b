"""The command `cachelib`: its subcommands lie in `cachelib/commands/`."""

from __future__ import annotations

import sys

try:
    import click
except ImportError:
    sys.exit(
        "cachelib's commands need more than the library: pip install 'cachelib-decisions[report]'"
    )

try:
    import cachelib.beside  # noqa: F401
except ImportError as error:  # there is another package of this name
    sys.exit(str(error))

from cachelib import __version__
from cachelib.commands import cache, init, live, logs, report, repository, words
from cachelib.commands.signals import Ending


@click.group(cls=Ending, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cachelib")
@words.speaking
def main() -> None:
    """Decide on a cache architecture by running it."""


for command in (
    report.report, init.init, report.check, report.compare, report.schema, report.notebooks,
    report.parameters, report.cases, report.platform,
    logs.log_, logs.replay, logs.mrc, logs.workload,
    repository.evidence, repository.audit,
    live.live,
    cache.cache,
):  # fmt: skip
    main.add_command(command)


if __name__ == "__main__":
    main()
