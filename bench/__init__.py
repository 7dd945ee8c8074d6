"""How fast Closed Loop is, measured against what anybody could write without it: `make bench`."""
