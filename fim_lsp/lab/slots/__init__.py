"""What made the infiller's low-rank part: rows whose middles the decoder wrote, views of them, the training."""
