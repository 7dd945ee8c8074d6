"""The portal's records: how they are kept, found and changed."""
