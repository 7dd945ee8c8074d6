"""The objects of an org and their fields."""
