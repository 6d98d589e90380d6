"""Who holds an address, with requests."""

import requests

print(requests.get("https://rdap.apnic.net/ip/203.119.102.28", timeout=10).json()["handle"])
