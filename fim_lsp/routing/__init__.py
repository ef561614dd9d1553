"""Which family answers a request, what each costs on this machine, and what is loaded."""
