"""Who asks in which words: a file each, which makes a router."""
