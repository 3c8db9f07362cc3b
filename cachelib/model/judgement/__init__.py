"""What the counts mean for a case: limits, choice, sureness, flips, claims."""
