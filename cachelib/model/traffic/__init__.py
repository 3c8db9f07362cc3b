"""Requests: generated from a workload, or read from logs."""
