"""How both networks learn, and where their thresholds come from."""
