# @TEST-DOC: Controls, terminal escapes, invalid UTF-8 and endless lines: escaped, cut, counted, and still one line a row.
# @TEST-EXEC: replay traces/hostile.pcap
# @TEST-EXEC: rows queries dialect orig_bytes query >rows
# @TEST-EXEC: btest-diff rows
# @TEST-EXEC-FAIL: LC_ALL=C tr -d '\t\n\40-\176\200-\377' <whois.log | grep -q .
# @TEST-EXEC: replay traces/hostile.pcap LogAscii::use_json=T
# @TEST-EXEC: python3 -c 'import json; assert len([json.loads(line) for line in open("whois.log", encoding="utf-8")]) == 5'
