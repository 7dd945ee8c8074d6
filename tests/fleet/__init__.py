"""A fleet of real processes over one PostgreSQL, which die and are cut off while sales decides."""
