"""What the fields share, file by backend."""
