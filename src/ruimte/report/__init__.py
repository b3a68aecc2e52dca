"""Pictures for reports: figures from results, nothing else."""
