"""From usage to a bill: price books, and bills in decimal arithmetic."""
