"""For your own tests: the conformance suite that every CRM adapter inherits. Needs pytest."""
