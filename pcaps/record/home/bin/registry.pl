use IO::Socket::INET;
my $link = IO::Socket::INET->new(PeerAddr => "whois.denic.de", PeerPort => 43, Timeout => 10) or die $!;
print $link "-T dn,ace example.de\r\n";
print while <$link>;
