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
    """Run the same requests on the real runtime, and hold the simulation against it.

    Of a case on Cloudflare Workers that is workerd; of one on servers with Redis, processes of the
    library's own cache over a real Valkey. With --worker, the code in that folder is run on
    workerd. It reaches no network and no file but its own, unless --connect and --read open some by
    name.
    """
    from cachelib.live.own import run_worker
    from cachelib.live.result import run_designs
    from cachelib.live.runtimes import WORKERD, runtime_of
    from cachelib.report.experiments import parameters

    with told():
        study = parameters.settle({"case": case, "trace": trace}).study
        runtime = runtime_of(study.case.profile)
        if runtime is None:
            raise click.UsageError(
                f"{case} runs on {study.case.profile.about}, and the runtimes that are here are"
                " Cloudflare Workers' and that of servers with Redis: what these count says nothing"
                " of other platforms"
            )
        if worker and runtime is not WORKERD:
            raise click.UsageError(f"--worker: {case} is no case on Cloudflare Workers")
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
        chosen = chosen if designs else [design for design in chosen if runtime.can_run(design)]
        if not chosen:
            raise click.UsageError(
                f"{case}: what is here can run none of its designs; with --designs NAME it says why"
            )
        result = run_designs(traffic, chosen, study.platform, seed=study.seed)
    print_result(result.as_dict(), as_json)
    sys.exit(0 if result.conforms else 1)
