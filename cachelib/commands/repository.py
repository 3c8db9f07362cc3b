"""Commands about a Workers project's configuration and source."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cachelib.commands.words import JSON, print_json, say, told

FOLDER = click.argument("folder", type=click.Path(path_type=Path))


@click.command()
@FOLDER
@click.option("--env", help="One environment; all by default.")
@click.option("--reveal", is_flag=True, help="Show ids and vars in full; credentials never.")
@JSON
def evidence(folder: Path, env: str | None, reveal: bool, as_json: bool) -> None:
    """Say what the wrangler configuration in FOLDER has, with file and line."""
    from cachelib.evidence import inventory, inventory_text

    with told():
        found = inventory(folder, env, reveal=reveal)
    if as_json:
        print_json(found.to_json())
    else:
        say(inventory_text(found))


@click.command()
@FOLDER
@JSON
@click.option("--sarif", is_flag=True, help="For code-scanning viewers.")
@click.option("--fail-on", type=click.Choice(["note", "warning", "error"]),
              help="Exit with 1 if there is a finding at least so severe.")  # fmt: skip
@click.option("--case", help="Say what each fault costs in this case.")
def audit(folder: Path, as_json: bool, sarif: bool, fail_on: str | None, case: str | None) -> None:
    """Find caching faults in the TypeScript and JavaScript in FOLDER."""
    from cachelib import evidence as examined

    with told():
        found = examined.audit(folder)
        if case:
            from cachelib.report.experiments import parameters
            from cachelib.report.publish import repository

            study = parameters.settle({"case": case}).study
            found = found.with_effects(repository.effects(study, found))
    if sarif or as_json:
        print_json(examined.to_sarif(found) if sarif else examined.to_json(found))
    else:
        say(examined.audit_text(found))
    sys.exit(1 if fail_on and found.at_least(fail_on) else 0)  # type: ignore[arg-type]
