"""What the user's own configuration and source say."""
