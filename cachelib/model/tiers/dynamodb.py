"""DynamoDB as a shared cache, and DAX, a cache of a table in each region.

DynamoDB on demand: a read of an item costs half a unit for each 4 KB (eventually consistent), of
none half a unit; a write a unit for each KB; what has expired is deleted without charge (AWS's own
agent toolkit, 2026-08-20, price check 2026-07-31), and what is deleted is charged as a write of its
size (docs.aws.amazon.com, DynamoDB, "read and write operations", read 2026-11-29); what a scan for
keys to delete reads is left out. Its `ttl` may delete days late, so readers compare the time, as
here.

The table is in one place, or in the nearest of several that copy each other, whose lag is not
modelled. Of such a global table each write is charged a unit for each KB in every region, at the
price of another write, each region stores all, and what goes from one to another is transfer
between regions (docs.aws.amazon.com, DynamoDB, "Understanding Amazon DynamoDB billing for global
tables", read 2026-11-28). Not counted, since nobody says how many there are: what has expired and
is deleted is charged as a write in every region but one ("Throughput capacity planning for DynamoDB
global tables", the same day), and a region that is added as a table that is restored.

DAX: node-hours and nothing else; here an item cache before the table that is the origin, written
through, in one region; its cache of queries, corrected by nothing but its TTL, is not modelled.
"""

from cachelib.model.tiers.tier import Place, Tier, Units

DYNAMODB = Tier(
    word="dynamodb",
    label="DynamoDB",
    phrase="DynamoDB",
    scope="world",
    places=(Place("DynamoDB", ("dynamodb_ms", "to_table")),),
    writing=("dynamodb_write_ms", "to_table"),
    counts={"dynamodb_gets": "reads of DynamoDB", "dynamodb_puts": "writes to DynamoDB"},
    numbers={
        "dynamodb_ms": "time of a read in DynamoDB",
        "dynamodb_write_ms": "time of a write to DynamoDB",
        "dynamodb_failure": "share of DynamoDB's reads that fail",
    },
    prefixes=("dynamodb_",),
    failure="dynamodb_failure",
    units={
        "dynamodb.read_units": Units("dynamodb_gets", 4_096, 0.5),
        "dynamodb.write_units": Units("dynamodb_puts", 1_024, 1),
    },
    stored="dynamodb.stored",
    copied=("table_copies", "regions.gb"),
    erases=True,
    reads="dynamodb_gets",
    writes="dynamodb_puts",
    deletes="dynamodb_puts",
)

DAX = Tier(
    word="dax",
    label="DAX",
    phrase="DAX",
    scope="colo",
    places=(Place("DAX in the region", ("dax_ms", "rtt_base_ms")),),
    writing=("dax_write_ms", "rtt_base_ms"),
    counts={"dax_gets": "reads of DAX", "dax_puts": "writes through DAX"},
    numbers={
        "dax_ms": "time of a read in DAX",
        "dax_write_ms": "time of a write through DAX",
        "dax_failure": "share of DAX's reads that fail",
    },
    prefixes=("dax_",),
    failure="dax_failure",
    erases=True,
    reads="dax_gets",
    writes="dax_puts",
    rented=("dax.node_hours", "dax_nodes"),
)
