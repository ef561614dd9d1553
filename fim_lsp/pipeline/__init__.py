"""From a snapshot to suggestions: eligibility, context, backend, stops, filters, cache."""
