"""The steps from a published base to the decoder that ships: base, merge, trim, round, pack, fit."""
