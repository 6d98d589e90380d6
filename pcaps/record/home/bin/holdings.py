"""Two requests on one clear connection to a REST service."""

import http.client

link = http.client.HTTPConnection("whois.arin.net", timeout=10)
for target in ("/rest/ip/8.8.8.8", "/rest/pocs;domain=example.com"):
    link.request("GET", target, headers={"Accept": "application/json"})
    print(link.getresponse().read())
link.close()
