"""Voices made by a server: takes recorded in the page, jobs in processes of their own, runs watched."""
