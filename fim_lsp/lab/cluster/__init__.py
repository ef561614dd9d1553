"""How many typists a decoder serves: measured with recorded typing, then simulated for more than there are cores."""
