"""A low-rank part for one repository: its files as rows, the upper layers trained, the held-out files as judges."""
