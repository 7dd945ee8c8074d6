"""What is to be done, and who does it: turns of work, taken by threads here or by workers elsewhere."""
