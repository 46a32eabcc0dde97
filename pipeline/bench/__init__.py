"""How fast the cascade is, and against what: everything measured side by side in one process."""
