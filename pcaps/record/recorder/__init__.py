"""Records real WHOIS and RDAP clients in network namespaces, and the kernel's account of who made which connection."""
