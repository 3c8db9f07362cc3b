"""Request logs as traces: any log, told by what is in it, with an account of every row."""

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs.reading import LogStream, in_order, read_log
from cachelib.model.traffic.logs.source import LogError

__all__ = ["LogError", "LogStream", "Reading", "in_order", "read_log"]
