"""How a generated connection is written: Zeek's TSV and JSON, Suricata's EVE. Every line is one SQL expression."""

from __future__ import annotations

from typing import Final, NamedTuple

LOGS: Final = ("conn", "dns", "ssl", "http")

_AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "Microsoft-CryptoAPI/10.0",
    "curl/8.14.1",
    "Debian APT-HTTP/1.3 (3.0.3)",
)
_LOOKUP_NAMES: Final = (
    "rdap.arin.net",
    "rdap.verisign.com",
    "rdap.db.ripe.net",
    "who.is",
    "viewdns.info",
    "rdap.org",
)
_WHOIS_NAMES: Final = ("whois.verisign-grs.com", "whois.iana.org", "whois.ripe.net", "whois.arin.net")


def _pick(values: tuple[str, ...], by: str) -> str:
    return f"{list(values)!r}[1 + {by} % {len(values)}]"


_DNS: Final = "(is_lookup OR kind < 40)"
_TLS: Final = "(CASE WHEN is_lookup THEN NOT on_port43 ELSE kind BETWEEN 40 AND 71 END)"
_HTTP: Final = "(NOT is_lookup AND kind BETWEEN 72 AND 79)"
_WEB: Final = f"({_TLS} OR {_HTTP})"
_RESOLVES: Final = f"(NOT is_lookup AND {_DNS})"
_PORT43: Final = "(is_lookup AND on_port43)"
_NAME: Final = (
    f"CASE WHEN {_PORT43} THEN {_pick(_WHOIS_NAMES, 'lookup_dice')} "
    f"WHEN is_lookup THEN {_pick(_LOOKUP_NAMES, 'lookup_dice')} ELSE name END"
)
_PEER: Final = f"CASE WHEN {_RESOLVES} THEN '10.0.0.53' WHEN is_lookup THEN lookup_server ELSE server END"
_PEER_PORT: Final = f"CASE WHEN {_RESOLVES} THEN 53 WHEN {_PORT43} THEN 43 WHEN {_TLS} THEN 443 WHEN {_HTTP} THEN 80 ELSE 44 + size % 9000 END"
_NOTHING_CAME: Final = f"(NOT {_RESOLVES} AND NOT {_PORT43} AND NOT {_WEB})"


def _unless(condition: str, expression: str) -> str:
    return f"CASE WHEN {condition} THEN NULL ELSE {expression} END"


_TS: Final = "format('{}.{:06d}', micros // 1000000, micros % 1000000)"
_ENDS: Final = (
    ("ts", "time", _TS),
    ("uid", "string", "uid"),
    ("id.orig_h", "addr", "client"),
    ("id.orig_p", "port", "port"),
    ("id.resp_h", "addr", _PEER),
    ("id.resp_p", "port", _PEER_PORT),
)
_QUESTION: Final = (
    ("ts", "time", _TS),
    ("uid", "string", "CASE WHEN is_lookup THEN uid_of('D', i) ELSE uid END"),
    ("id.orig_h", "addr", "client"),
    ("id.orig_p", "port", "CASE WHEN is_lookup THEN port - 1 ELSE port END"),
    ("id.resp_h", "addr", "'10.0.0.53'"),
    ("id.resp_p", "port", "53"),
)
_ANSWERS: Final = "CASE WHEN is_lookup THEN [lookup_server] ELSE [concat(name, '.edge.example.net'), server] END"
_TTLS: Final = "CASE WHEN is_lookup THEN ['300.000000'] ELSE [concat(size % 3600, '.000000'), '60.000000'] END"
_OLD_TLS: Final = "size % 2 = 1"


class Column(NamedTuple):
    """A column of a Zeek log: its name, its Zeek type, and the SQL of its value (NULL: unset)."""

    name: str
    kind: str
    value: str


COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    log: tuple(Column(*column) for column in columns)
    for log, columns in {
        "conn": (
            *_ENDS,
            ("proto", "enum", f"CASE WHEN {_RESOLVES} THEN 'udp' ELSE 'tcp' END"),
            (
                "service",
                "string",
                f"CASE WHEN {_RESOLVES} THEN 'dns' WHEN {_TLS} THEN 'ssl' WHEN {_HTTP} THEN 'http' END",
            ),
            ("duration", "interval", _unless(_NOTHING_CAME, "format('{}.{:06d}', size % 90, size)")),
            (
                "orig_bytes",
                "count",
                _unless(_NOTHING_CAME, f"CASE WHEN {_RESOLVES} THEN 20 + size % 60 ELSE 80 + size // 20 END"),
            ),
            ("resp_bytes", "count", _unless(_NOTHING_CAME, f"CASE WHEN {_RESOLVES} THEN 36 + size % 60 ELSE size END")),
            ("conn_state", "string", f"CASE WHEN {_NOTHING_CAME} THEN 'S0' ELSE 'SF' END"),
            ("local_orig", "bool", "'T'"),
            ("local_resp", "bool", f"CASE WHEN {_RESOLVES} THEN 'T' ELSE 'F' END"),
            ("missed_bytes", "count", "0"),
            ("history", "string", f"CASE WHEN {_RESOLVES} THEN 'Dd' WHEN {_NOTHING_CAME} THEN 'S' ELSE 'ShADadFf' END"),
            ("orig_pkts", "count", f"CASE WHEN {_RESOLVES} OR {_NOTHING_CAME} THEN 1 ELSE 9 + size // 900 END"),
            (
                "orig_ip_bytes",
                "count",
                f"CASE WHEN {_RESOLVES} THEN 48 + size % 60 WHEN {_NOTHING_CAME} THEN 60 ELSE 500 + size // 18 END",
            ),
            (
                "resp_pkts",
                "count",
                f"CASE WHEN {_RESOLVES} THEN 1 WHEN {_NOTHING_CAME} THEN 0 ELSE 9 + size // 700 END",
            ),
            (
                "resp_ip_bytes",
                "count",
                f"CASE WHEN {_RESOLVES} THEN 64 + size % 60 WHEN {_NOTHING_CAME} THEN 0 ELSE 800 + size END",
            ),
            ("tunnel_parents", "set[string]", "NULL"),
            ("ip_proto", "count", f"CASE WHEN {_RESOLVES} THEN 17 ELSE 6 END"),
        ),
        "dns": (
            *_QUESTION,
            ("proto", "enum", "'udp'"),
            ("trans_id", "count", "size % 65536"),
            ("rtt", "interval", "format('0.0{:05d}', size)"),
            ("query", "string", _NAME),
            ("qclass", "count", "1"),
            ("qclass_name", "string", "'C_INTERNET'"),
            ("qtype", "count", "1"),
            ("qtype_name", "string", "'A'"),
            ("rcode", "count", "0"),
            ("rcode_name", "string", "'NOERROR'"),
            ("AA", "bool", "'F'"),
            ("TC", "bool", "'F'"),
            ("RD", "bool", "'T'"),
            ("RA", "bool", "'T'"),
            ("Z", "count", "0"),
            ("answers", "vector[string]", _ANSWERS),
            ("TTLs", "vector[interval]", _TTLS),
            ("rejected", "bool", "'F'"),
        ),
        "ssl": (
            *_ENDS,
            ("version", "string", f"CASE WHEN {_OLD_TLS} THEN 'TLSv12' ELSE 'TLSv13' END"),
            (
                "cipher",
                "string",
                f"CASE WHEN {_OLD_TLS} THEN 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256' ELSE 'TLS_AES_128_GCM_SHA256' END",
            ),
            ("curve", "string", f"CASE WHEN {_OLD_TLS} THEN 'secp256r1' ELSE 'x25519' END"),
            ("server_name", "string", _NAME),
            ("resumed", "bool", "'F'"),
            ("last_alert", "string", "NULL"),
            ("next_protocol", "string", "'h2'"),
            ("established", "bool", "'T'"),
            ("ssl_history", "string", f"CASE WHEN {_OLD_TLS} THEN 'CsxknGIi' ELSE 'CsiI' END"),
            ("cert_chain_fps", "vector[string]", f"CASE WHEN {_OLD_TLS} THEN [sha256(name), sha256('an issuer')] END"),
            ("client_cert_chain_fps", "vector[string]", f"CASE WHEN {_OLD_TLS} THEN CAST([] AS VARCHAR[]) END"),
            ("sni_matches_cert", "bool", f"CASE WHEN {_OLD_TLS} THEN 'T' END"),
        ),
        "http": (
            *_ENDS,
            ("trans_depth", "count", "1"),
            ("method", "string", "'GET'"),
            ("host", "string", _NAME),
            ("uri", "string", "concat('/assets/', size, '/v', size % 40, '/index.html?id=', size * 7919)"),
            ("referrer", "string", "NULL"),
            ("version", "string", "'1.1'"),
            ("user_agent", "string", _pick(_AGENTS, "size")),
            ("origin", "string", "NULL"),
            ("request_body_len", "count", "0"),
            ("response_body_len", "count", "size"),
            ("status_code", "count", "200"),
            ("status_msg", "string", "'OK'"),
            ("info_code", "count", "NULL"),
            ("info_msg", "string", "NULL"),
            ("tags", "set[enum]", "CAST([] AS VARCHAR[])"),
            ("username", "string", "NULL"),
            ("password", "string", "NULL"),
            ("proxied", "set[string]", "NULL"),
            ("orig_fuids", "vector[string]", "NULL"),
            ("orig_filenames", "vector[string]", "NULL"),
            ("orig_mime_types", "vector[string]", "NULL"),
            ("resp_fuids", "vector[string]", "[uid_of('F', i)]"),
            ("resp_filenames", "vector[string]", "NULL"),
            ("resp_mime_types", "vector[string]", "['text/html']"),
        ),
    }.items()
}
WHERE: Final = {"conn": "TRUE", "dns": _DNS, "ssl": _TLS, "http": _HTTP}
"""Which connections each log has a row of."""


def zeek_header(log: str) -> str:
    """Return the lines above the rows of a TSV log."""
    fields = "\t".join(column.name for column in COLUMNS[log])
    types = "\t".join(column.kind for column in COLUMNS[log])
    return (
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
        f"#path\t{log}\n#open\t2026-10-01-00-00-00\n#fields\t{fields}\n#types\t{types}\n"
    )


ZEEK_FOOTER: Final = "#close\t2026-10-02-00-00-00\n"


def tsv(log: str) -> str:
    """Return the SQL of one line of Zeek's TSV."""
    return "concat_ws(chr(9), " + ", ".join(_tsv_value(column) for column in COLUMNS[log]) + ")"


def _tsv_value(column: Column) -> str:
    if "[" in column.kind:
        members = f"({column.value})"
        return f"coalesce(CASE WHEN len({members}) = 0 THEN '(empty)' ELSE array_to_string({members}, ',') END, '-')"
    return f"coalesce(({column.value})::VARCHAR, '-')"


def json(log: str) -> str:
    """Return the SQL of one line of Zeek's JSON, in which unset fields are left out."""
    parts = []
    for number, column in enumerate(COLUMNS[log]):
        comma = "" if number == 0 else ","
        parts.append(f"coalesce('{comma}\"{column.name}\":' || {_json_value(column)}, '')")
    return "concat('{', " + ", ".join(parts) + ", '}')"


def _json_value(column: Column) -> str:
    value = f"({column.value})"
    if column.kind in ("time", "interval", "count", "port"):
        return f"{value}::VARCHAR"
    if column.kind == "bool":
        return f"CASE {value} WHEN 'T' THEN 'true' WHEN 'F' THEN 'false' END || ''"
    if column.kind == "vector[interval]":
        return f"'[' || array_to_string({value}, ',') || ']'"
    if "[" in column.kind:
        listed = f"'[\"' || array_to_string({value}, '\",\"') || '\"]'"
        return f"CASE WHEN len({value}) = 0 THEN '[]' ELSE {listed} END || ''"
    return f"'\"' || {value}::VARCHAR || '\"'"


def eve() -> str:
    """Return the SQL of one connection's EVE events, a line each: what the application layer said, then its flow."""
    start = "strftime(make_timestamp(micros), '%Y-%m-%dT%H:%M:%S.%f') || '+0000'"
    number = "(dice(i, 1) * 16384 + dice(i, 2) % 16384)"
    proto = f"CASE WHEN {_RESOLVES} THEN 'UDP' ELSE 'TCP' END"

    def head(event: str, port: str = "port", peer: str = _PEER, peer_port: str = _PEER_PORT, proto: str = proto) -> str:
        return (
            f'\'{{"timestamp":"\' || {start} || \'","flow_id":\' || {number} || \',"in_iface":"eth1","event_type":"{event}"\''
            f' || \',"src_ip":"\' || client || \'","src_port":\' || {port} || \',"dest_ip":"\' || {peer}'
            f' || \'","dest_port":\' || {peer_port} || \',"proto":"\' || {proto} || \'",\''
        )

    answers = (
        f'\'"answers":[{{"rrname":"\' || {_NAME} || \'","rrtype":"A","ttl":300,"rdata":"\''
        " || CASE WHEN is_lookup THEN lookup_server ELSE server END || '\"}]'"
    )
    dns = (
        head("dns", "CASE WHEN is_lookup THEN port - 1 ELSE port END", "'10.0.0.53'", "53", "'UDP'")
        + ' || \'"pkt_src":"wire/pcap","dns":{"version":2,"type":"answer","id":\' || size % 65536'
        + f' || \',"flags":"8180","qr":true,"rd":true,"ra":true,"rrname":"\' || {_NAME} || \'","rrtype":"A",'
        + f'"rcode":"NOERROR",\' || {answers} || \'}}}}\' || chr(10)'
    )
    tls = (
        head("tls")
        + f' || \'"pkt_src":"wire/pcap","tls":{{"sni":"\' || {_NAME} || \'","version":"TLS 1.3"}}}}\' || chr(10)'
    )
    http = (
        head("http")
        + f' || \'"pkt_src":"wire/pcap","tx_id":0,"http":{{"hostname":"\' || {_NAME} || \'","url":"/assets/\' || size'
        + f' || \'/index.html","http_user_agent":"\' || {_pick(_AGENTS, "size")} || \'","http_method":"GET",'
        + '"protocol":"HTTP/1.1","status":200,"length":\' || size || \'}}\' || chr(10)'
    )
    flow = (
        head("flow")
        + ' || \'"flow":{"pkts_toserver":\' || 1 + size // 900 || \',"pkts_toclient":\' || 1 + size // 700'
        + ' || \',"bytes_toserver":\' || 60 + size // 18 || \',"bytes_toclient":\' || 60 + size || \',"start":"\' || '
        + f'{start} || \'","end":"\' || {start} || \'","age":0,"state":"closed","reason":"timeout","alerted":false}}}}\''
    )
    return f"concat(CASE WHEN {_DNS} THEN {dns} END, CASE WHEN {_TLS} THEN {tls} END, CASE WHEN {_HTTP} THEN {http} END, {flow})"
