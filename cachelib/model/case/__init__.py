"""What a case may say, and the file it says it in."""
