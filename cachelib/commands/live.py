"""The command that runs the real runtime."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from cachelib.commands.words import JSON, print_result, told


@click.command()
@click.argument("case", default="trading-sentiment")
@click.option("--trace", type=click.Path(exists=True), help="A request log: a file, or a folder.")
@click.option("--designs", help="Names, with commas; those of the case by default.")
@click.option("--requests", type=click.IntRange(1), default=20_000, show_default=True,
              help="How many of the first requests to replay.")  # fmt: skip
@click.option("--worker", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Replay against the Worker in this folder: runs its code.")  # fmt: skip
@click.option("--read", multiple=True, metavar="FOLDER",
              type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Another folder whose files the Worker's code may import.")  # fmt: skip
@click.option("--connect", multiple=True, metavar="HOST:PORT",
              help="A service on this machine that the Worker may ask over HTTP.")  # fmt: skip
@click.option("--env", help="The Worker's environment.")
@click.option("--origin-response", type=click.File(), help="What outbound fetches are answered.")
@JSON
def live(
    case: str, trace: str | None, designs: str | None, requests: int, worker: Path | None,
    read: tuple[Path, ...], connect: tuple[str, ...], env: str | None, origin_response: Any,
    as_json: bool,
) -> None:  # fmt: skip
    """Run the same requests on workerd, the real runtime, and hold the simulation against it.

    Of a case on Cloudflare Workers. With --worker, the code in that folder is run. It reaches no
    network and no file but its own, unless --connect and --read open some by name.
    """
    from cachelib.live.own import run_worker
    from cachelib.live.replay import can_run
    from cachelib.live.result import run_designs
    from cachelib.report.experiments import parameters

    with told():
        study = parameters.settle({"case": case, "trace": trace}).study
        if "kv" not in study.case.profile.tiers:
            raise click.UsageError(
                f"{case} runs on {study.platform.profile}, and the runtime that is here is that of"
                " Cloudflare Workers: what it counts says nothing of other platforms"
            )
        traffic = study.trace.only(slice(requests))
        if worker:
            answer = origin_response.read() if origin_response else None
            own = run_worker(
                worker, traffic, study.platform, environment=env, origin_response=answer,
                seed=study.seed, read=read, connect=connect,
            )  # fmt: skip
            print_result(own.as_dict(), as_json)
            sys.exit(0 if own.status.any() else 1)
        names = designs.split(",") if designs else study.case.design_names
        chosen = [study.design(study.case.known_design(name)) for name in names]
        chosen = chosen if designs else [design for design in chosen if can_run(design)]
        result = run_designs(traffic, chosen, study.platform, seed=study.seed)
    print_result(result.as_dict(), as_json)
    sys.exit(0 if result.conforms else 1)
