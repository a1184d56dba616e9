"""`voxlet serve`, `page`, `push` and `pull`: offer voices to others, and get theirs."""
