"""The transparency log: a Merkle tree over commitments that nobody can rewrite unseen."""
