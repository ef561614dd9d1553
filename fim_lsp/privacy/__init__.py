"""What no model, index, log or server is given: excluded files, and literals that look like secrets."""
