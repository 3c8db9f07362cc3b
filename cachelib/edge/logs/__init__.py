"""Request logs as traces: CLF, Logpush, Workers trace events, tables, simulators' formats."""

from cachelib.edge.log_reading import Reading
from cachelib.edge.logs.reading import LogStream, in_order, read_log
from cachelib.edge.logs.source import LogError

__all__ = ["LogError", "LogStream", "Reading", "in_order", "read_log"]
