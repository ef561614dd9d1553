"""The steps from a published base to the weights in `models/gpt`: base, merge, trim, round, pack, fit."""
