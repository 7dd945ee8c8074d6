"""What the app is told, and how."""
