# WHOIS away from its ports. The request is one line: a name, address or AS number, perhaps after flags; the answer begins
# as WHOIS servers begin. Both must hold, or the client had just resolved a WHOIS server's name to the address. Only then
# is the session read, from its first byte on: Zeek keeps the beginning of a connection for analyzers that come late. Port 43
# needs none of it.

signature whosasking-request {
  ip-proto == tcp
  dst-port != 43
  tcp-state established,originator
  payload /((-[A-Za-z][^\r\n]{0,60} |domain |[=!nrap+@ ]{1,6})?([A-Za-z0-9*_-]*[.:][A-Za-z0-9.:\/*_-]+|[Aa][Ss][0-9]+))\r?\n/
}

signature whosasking-request-named {
  ip-proto == tcp
  dst-port != 43
  tcp-state established,originator
  payload /((-[A-Za-z][^\r\n]{0,60} |domain |[=!nrap+@ ]{1,6})?([A-Za-z0-9*_-]*[.:][A-Za-z0-9.:\/*_-]+|[Aa][Ss][0-9]+))\r?\n/
  eval WhosAsking::is_named_whois
  event whosasking_found
  enable "STREAM_EVENT"
}

signature whosasking-answer {
  ip-proto == tcp
  tcp-state established,responder
  requires-reverse-signature whosasking-request
  payload /([%#] ?[^\r\n]{0,60}[Ww][Hh][Oo][Ii][Ss]|% This is the [A-Za-z]+ Database query service|[ \t\r\n]*[Dd]omain [Nn]ame:[ \t\r\n]*[^ \t\r\n]+\.|No match for |([Rr]oute6?|[Ii]net6?num|[Aa]ut-num):[ \t]+[0-9A-Fa-f])/
  eval WhosAsking::is_whois_port
  event whosasking_found
  enable "STREAM_EVENT"
}
