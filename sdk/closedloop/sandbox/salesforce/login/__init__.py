"""Sessions, and how clients get one."""
