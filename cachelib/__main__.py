"""`python -m cachelib` is the command `cachelib`."""

from cachelib.cli import main

main(prog_name="python -m cachelib")
