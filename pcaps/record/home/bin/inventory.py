"""Asks the company's own asset register, which speaks the same protocol inside the network."""

import socket

with socket.create_connection(("whois.corp.internal", 43), timeout=10) as link:
    link.sendall(b"10.20.0.99\r\n")
    print(link.recv(4096).decode())
