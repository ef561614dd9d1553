"""Forward passes in torch: published models without a lean forward, a GPU, and the slow twin of every kernel."""
