"""Vendors' platforms as data: places, times, limits and facts, each with its source."""
