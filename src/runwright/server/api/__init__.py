"""One router a resource: parse, one use case, answer."""
