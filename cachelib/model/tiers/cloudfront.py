"""CloudFront: answers before the function runs, from a point of presence or its region's cache.

Sources: docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide, its pages HowCloudFrontWorks,
Expiration, RequestAndResponseBehaviorCustomOrigin, Invalidation, InvalidationLimits and
origin-shield, and aws.amazon.com/cloudfront/pricing, read 2026-11-28. What they say and is counted:
answers to reads alone are kept; a point of presence asks the regional edge cache, which fills both,
and runs the function where both miss; requests for a key that one is under way for wait for its
answer, at each of the two (request collapsing); an answer ends with the life that the function
gives it (`max-age`); for `stale-while-revalidate` longer it is served at once, and a new one
fetched meanwhile; an invalidated path leaves both, 3,000 of them may be in progress at once, and a
month's first 1,000 are free; every request is billed, and every GB out. A deploy of the function
empties nothing. The regions with such a cache are those that the page on Origin Shield lists
(`cloudfront_regional_at`).

What is assumed: a point of presence asks the nearest of these; a colo of the case, or the region
that it names, stands for one point of presence, of whose servers nothing is said; nothing is pushed
out before it ends, and no maximum TTL is shorter; what was served past its end is refreshed as by
one fetch past both caches, unless the regional one has a newer answer; an invalidation is heard of
at once everywhere, but by loads under way, and one that is refused is not tried again; how long one
is in progress (`cloudfront_purge_every_s` is that by 3,000). A failure is not kept
(`stale-if-error=0`). Origin Shield, one cache behind the regional ones, is not modelled.

Rules: `Front` in `engines/reference/front.py`, `engines/compiled/front.py`, `formulas/front.py`.
"""

from cachelib.model.tiers.tier import InFront, Place, Tier

CLOUDFRONT = Tier(
    word="cloudfront",
    label="CloudFront",
    phrase="CloudFront",
    scope="colo and region",
    in_front=InFront(
        hits="cloudfront_hits",
        refreshes="cloudfront_refreshes",
        purges="cloudfront_purges",
        refused="cloudfront_purges_refused",
        every="cloudfront_purge_every_s",
        burst="cloudfront_purge_burst",
        upper="regional",
        onward="from_regional",
        door="cloudfront.requests",
        out="cloudfront.gb_out",
    ),
    places=(
        Place("CloudFront's point of presence", ("cloudfront_ms",)),
        Place("CloudFront's regional edge cache", ("cloudfront_ms", "to_regional")),
    ),
    writing=(),  # it is the answer to a read that fills it
    counts={
        "cloudfront_hits": "requests answered by CloudFront",
        "cloudfront_refreshes": "runs of the function that refresh CloudFront",
        "cloudfront_purges": "paths invalidated in CloudFront",
        "cloudfront_purges_refused": "invalidations in CloudFront that were refused",
    },
    numbers={
        "cloudfront_ms": "time of CloudFront",
        "cloudfront_purge_every_s": "time after which one more path may be invalidated",
        "cloudfront_purge_burst": "paths invalidated at once",
    },
    prefixes=("cloudfront_",),
    meters={"cloudfront.invalidations": "cloudfront_purges"},
    erases=True,
)
