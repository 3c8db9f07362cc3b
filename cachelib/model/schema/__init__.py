"""Typed records, and YAML files checked against them with every problem's line."""
