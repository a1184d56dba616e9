"""Engines that run a task on many items: this process, its threads, a process pool, a cluster."""
