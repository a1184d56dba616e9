"""Voices made by a server: takes recorded on the page, jobs in their own processes, runs watched live."""
