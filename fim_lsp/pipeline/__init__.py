"""From a snapshot to suggestions: gate, context, backend, stops, filters, cache."""
