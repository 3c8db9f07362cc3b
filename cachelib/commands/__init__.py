"""The subcommands of `cachelib`, one file a subject: library calls with words around them."""
