"""R2: one bucket, strongly consistent; it knows no expiry, the application does.

Source: developers.cloudflare.com/r2/pricing, read 2026-11-23. Its rules are those of every
tier that follows from its description; `R2Store` in the Worker.
"""

from cachelib.model.tiers.tier import Place, Tier

R2 = Tier(
    word="r2",
    label="R2",
    phrase="R2",
    scope="world",
    places=(Place("R2", ("r2_ms", "to_bucket")),),
    writing=("r2_write_ms", "to_bucket"),
    counts={
        "r2_class_a": "R2 writes (class A)",
        "r2_class_b": "R2 reads (class B)",
    },
    numbers={
        "r2_ms": "time of a read from R2",
        "r2_write_ms": "time of a write to R2",
        "r2_failure": "share of R2's reads that fail",
    },
    prefixes=("r2_",),
    failure="r2_failure",
    meters={"r2.class_a": "r2_class_a", "r2.class_b": "r2_class_b"},
    stored="r2.stored",
    listing="r2.class_a",
    reads="r2_class_b",
    writes="r2_class_a",
)
