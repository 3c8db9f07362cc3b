"""Requests replayed through a design, one by one: the reference engine and its compiled twin."""
