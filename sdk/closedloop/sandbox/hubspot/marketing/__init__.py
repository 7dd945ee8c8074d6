"""Campaigns and what belongs to them."""
