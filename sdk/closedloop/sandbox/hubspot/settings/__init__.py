"""What a portal's records can be: types, properties, pipelines, associations."""
