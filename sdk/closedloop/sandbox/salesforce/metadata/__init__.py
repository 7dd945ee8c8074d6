"""The Metadata API: components that are deployed, kept, retrieved, and that take effect in the org."""
