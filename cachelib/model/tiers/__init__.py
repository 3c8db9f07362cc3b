"""Where a value can be served from, and the designs made of such places."""
