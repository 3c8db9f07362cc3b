"""What notebooks use: results shown and handed over as data, figures and diagrams."""
