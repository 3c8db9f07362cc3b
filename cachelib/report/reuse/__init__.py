"""What a report was made from, and what of the one that is there can stand."""
