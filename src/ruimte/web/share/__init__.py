"""The API for partners, ``/share/v1``: what agreements give, to programs that prove who they are."""
