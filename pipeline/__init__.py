"""The stages as functions over arrays, tables and paths. Knows nothing of Prefect."""
