"""Networks and their weights. Imports nothing from ``pipeline`` or ``flows``."""
