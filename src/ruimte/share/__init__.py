"""Sharing: agreements that both parties signed, what they allow, and in which form figures go out under them."""
