"""What made the weights and the claims; nothing of the product imports it."""
