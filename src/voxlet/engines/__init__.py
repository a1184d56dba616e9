"""Who does the work: this process, its threads, a pool of processes, a cluster. All have one function."""
