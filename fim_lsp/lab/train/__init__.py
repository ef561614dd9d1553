"""What made the models: corpus, objectives, trainer, export. Runs on CPU and CUDA by the same commands."""
