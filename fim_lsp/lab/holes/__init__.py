"""How the shipped measuring sets were cut: one for each language, and one whose answers other files define."""
