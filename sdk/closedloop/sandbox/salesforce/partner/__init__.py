"""The partner SOAP API: records, queries, lead conversion, as clients without an org's own WSDL use it."""
