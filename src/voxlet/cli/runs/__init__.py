"""What is trained, and what is asked of it: a file each."""
