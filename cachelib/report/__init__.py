"""From experiments to a document: publish inside notebooks, run them, render the report."""
