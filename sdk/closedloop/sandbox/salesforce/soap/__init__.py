"""The SOAP APIs: what they share, and the addresses of the partner and the enterprise API."""
