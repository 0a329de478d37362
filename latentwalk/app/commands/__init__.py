"""A file a command: its signature, its help, its doing. What is heavy is imported when a command runs."""
