"""The steps from a published base to the weights in `models/qwen2.5-coder-0.5b`: base, merge, trim, round, pack, fit."""
