"""Who holds an address, with the standard library."""

import json
import urllib.request

with urllib.request.urlopen("https://rdap.lacnic.net/rdap/ip/200.160.2.3", timeout=10) as answer:
    print(json.load(answer)["handle"])
