"""Warnings on their way out: what is sent, over which channels, and what came back. When to send is for the jobs."""
