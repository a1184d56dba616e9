"""`voxlet serve`, `push` and `pull`: voices for others, and from others."""
