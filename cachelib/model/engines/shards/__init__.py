"""One run in two passes, exact: first what all keys decide together, then each shard of keys alone.

What requests of different keys do to one another goes through isolates (when each was lost), an
object's queue, a memory that is bounded, or the numbers of requests. The first pass finds these
for all; the second replays each shard with what was found, and adds up. Every sum is of whole
numbers, so any number of shards gives the bits that the run in one gives.
"""
