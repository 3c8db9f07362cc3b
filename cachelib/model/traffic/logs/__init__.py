"""Request logs as traces: CLF, Logpush, Workers trace events, tables, simulators' formats."""

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs.reading import LogStream, in_order, read_log
from cachelib.model.traffic.logs.source import LogError

__all__ = ["LogError", "LogStream", "Reading", "in_order", "read_log"]
