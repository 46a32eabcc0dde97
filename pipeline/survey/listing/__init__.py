"""Which photographs a survey looks at, and where they lie."""
