use LWP::UserAgent;
print LWP::UserAgent->new(timeout => 10)->get("https://whois.domaintools.com/example.com")->status_line, "\n";
