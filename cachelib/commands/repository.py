"""Commands about a Workers project's configuration and source."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cachelib.commands.words import JSON, print_json, say, told

if TYPE_CHECKING:
    from cachelib.evidence.roles import Confidence

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
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif", "github"]),
              default="text", show_default=True,
              help="For people, machines, code-scanning viewers, a workflow's log.")  # fmt: skip
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path),
              help="Write this file instead of printing.")  # fmt: skip
@click.option("--sarif", type=click.Path(dir_okay=False, path_type=Path),
              help="Write this file too, for code scanning.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(["note", "warning", "error", "never"]),
              help="Exit with 1 if a finding is at least so severe; error by default.")  # fmt: skip
@click.option("--confidence", type=click.Choice(["low", "medium", "high"]),
              help="Show findings that are at least so certain; medium by default.")  # fmt: skip
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Take these settings, not those found above FOLDER.")  # fmt: skip
@click.option("--no-config", is_flag=True,
              help="Take no settings from the audited repository.")  # fmt: skip
@click.option("--baseline", type=click.Path(dir_okay=False, path_type=Path),
              help="Leave out the findings that this file knows.")  # fmt: skip
@click.option("--write-baseline", type=click.Path(dir_okay=False, path_type=Path),
              help="Write all findings of today into this file.")  # fmt: skip
@click.option("--changed-since", metavar="REV",
              help="Leave out what the branch had where it left this revision.")  # fmt: skip
@click.option("--rules", "rule_files", multiple=True,
              type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Rules of your own: YAML of ast-grep, or Python, which is run.")  # fmt: skip
@click.option("--case", help="Say what each fault costs in this case.")
def audit(
    folder: Path, form: str, output: Path | None, sarif: Path | None, fail_on: str | None,
    confidence: Confidence | None, config: Path | None, no_config: bool,
    baseline: Path | None, write_baseline: Path | None, changed_since: str | None,
    rule_files: tuple[Path, ...], case: str | None,
) -> None:  # fmt: skip
    """Find caching faults in the TypeScript and JavaScript in FOLDER.

    Settings stand in cachelib.toml or pyproject.toml, in FOLDER or above it; docs/audit.md says
    which. Exits with 1 where findings are as severe as --fail-on, with 2 where it could not run.
    """
    from cachelib import evidence as examined

    with told():
        settings = examined.settings_of(folder, config, take_none=no_config)
        if confidence:
            settings = replace(settings, confidence=confidence)
        rules = examined.load_rules([*settings.own_rules, *rule_files])
        found = examined.audit(folder, settings, rules)
        if write_baseline:
            examined.write_baseline(write_baseline, found.findings)
        elif known := baseline or settings.baseline:
            found = found.without(examined.read_baseline(known))
        if changed_since:
            with examined.folder_at(changed_since, folder) as before:
                found = found.without(examined.fingerprints(before, settings, rules))
        if case:
            from cachelib.report.experiments import parameters
            from cachelib.report.publish import repository

            study = parameters.settle({"case": case}).study
            found = found.with_effects(repository.effects(study, found))
        if sarif:
            examined.write_text(sarif, examined.formatted(found, "sarif", folder))
        shown = examined.formatted(found, form, folder)
        if output:
            examined.write_text(output, shown)
    if shown and not output:
        say(shown)
    for failure in found.failures:
        click.echo(failure, err=True)
    gate = fail_on or settings.fail_on
    failed = gate != "never" and bool(found.at_least(gate))  # type: ignore[arg-type]
    sys.exit(1 if found.failures or (failed and not write_baseline) else 0)
