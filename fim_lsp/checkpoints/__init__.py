"""What a model's files say: configuration, tensors, tokenizer, prompt format, and where the shipped ones lie."""
