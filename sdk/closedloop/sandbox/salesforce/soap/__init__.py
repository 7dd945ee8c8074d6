"""The SOAP APIs: what they share, and the partner API."""
