"""Signing in with an OpenID provider: authorization code with PKCE (RFC 6749, RFC 7636, OpenID Connect Core 1.0)."""
