"""A registry client from PyPI: fetches IANA's bootstrap, then asks the registry."""

import whoisit

whoisit.bootstrap()
print(whoisit.domain("example.com", raw=True)["handle"])
