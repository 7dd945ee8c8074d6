"""Tells others what sales decided: events, who subscribes to them, and signed webhooks to each subscriber."""
