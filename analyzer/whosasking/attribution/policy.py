"""Every number the ladder goes by, in one place, with its reason. Times are microseconds, confidences 0 to 1."""

from __future__ import annotations

from whosasking.model import SECOND

# --- Clock offset -------------------------------------------------------------------------------------------------
SPIKES = (SECOND // 4, SECOND, 5 * SECOND)
"""Widths to look for a spike of differences in. Real pairs spread over 1 to 50 ms; products that keep whole seconds
over one second; a host clock that drifts 50 ppm over four seconds a day."""
ENOUGH_PORTS = 3
"""Distinct ephemeral ports on one spike that prove an offset of any size."""
WIDE_SPIKE_SHARE = 0.6
"""Share of all ports a spike wider than the first must hold: chance fills a wide window sooner than a narrow one."""
SINGLE_ANCHOR = 30 * SECOND
"""Largest offset one lone connection may set: TIME_WAIT keeps its tuple from meaning another connection that soon."""
MOST_PER_TUPLE = 32
"""A tuple seen more often than this comes from a fixed port and says nothing about clocks."""
MOST_ANCHORS = 64
"""Tuples per host worth asking the sensors for."""
SAMPLED = 300
"""Events of each timeline that clocks are aligned by where there are millions."""
PORTLESS_REACH = 86_400 * SECOND
"""Largest offset looked for, among millions of events, where a product records no local port."""
EPHEMERAL = 1024
FASTEST_DRIFT = 200e-6
"""A host's clock gains or loses no more than this: quartz stays under 100 parts per million, virtual machines near."""
WHOLE_SPIKE = 0.9
"""Share of the ports on one spike from which on a clock is taken as constant, without looking for a drift or a step."""
MOST_STEPS = 8
"""Times a clock may have been set in one run; more jumps are chance."""
PROCESS_SLACK = 2 * SECOND
"""How far a socket may lie before its process's start, and a lookup outside a life, all clocks aligned."""
LATE_EVENTS = 60 * SECOND
"""How far a network event may lie behind its process's end: 34 s in public data, where UDP and DNS events lag."""
CLOCK_OUTLIERS = 0.05
"""Share of processes whose life may contradict a clock (reused handles, late events)."""

# --- Windows, after the offset ------------------------------------------------------------------------------------
SAME_CONNECTION = {"tcp": 5 * SECOND, "udp": 15 * SECOND}
"""A wire connection and an endpoint event of one tuple are the same within this. UDP events lag by up to 10 s."""
TOO_SOON = 60 * SECOND
"""A TCP tuple is not used again this soon, so a record on it that begins later is of the same connection: sensors split
connections that were quiet or partly lost."""
KEPT_ALIVE = 600 * SECOND
"""A clear HTTP request may follow its connection by this much."""
TELLS_APART = SECOND // 4
"""Two processes on one tuple: the nearer is the one if it is nearer by this much. A tuple with one port at both ends
(5353, 137) is used by many processes in turn, so its events must be this near to be the same."""
NOT_TOLD_APART = SECOND // 4
"""Connections to one server that begin within this: an event without a port may be of either."""
NEAR = 2 * SECOND
"""A lower rung may choose one of several candidates when it alone is this near."""
EARLY = SECOND // 4
"""How much before the DNS event a lookup may lie: the event is written when the answer is in."""
FEW_SECONDS = 30 * SECOND
"""Reach of a tuple without the local port, and of a name resolved before a lookup."""
SAME_SERVER = 60 * SECOND
"""Reach, before and after, of other connections to the same server, where the product sampled."""
FARTHEST = KEPT_ALIVE
"""How far from a connection any rung looks for an event."""
SHORT_LIFE = 60 * SECOND
"""How long a lookup tool, or a process that names what was asked, is taken to live where its end is not recorded."""
SERVER_LIFE = 5 * SECOND
"""The same for a process that only names the server: tools connect within seconds, and others use that server too."""
ASSUMED_REACH = 5 * SECOND
"""Reach of any evidence where the clocks were only taken as equal. A clock that is off finds nothing this near."""
SHORTEST_OBJECT = 4
"""Characters of a query's object that make it worth finding in a command line."""
SILENCE = 30 * 60 * SECOND
"""A pause in all of a host's records that is called silence, if it is also ..."""
SILENCE_TIMES = 8
"""... this many times as long as its usual pauses (95th percentile)."""
HELLOS = 3
"""Exact matches that must agree before a ClientHello is taken for a program's."""

# --- Confidences --------------------------------------------------------------------------------------------------
# Within five points of the share that was right on a made site (docs/calibration.md), where that exercises them.
# NAMES_OBJECT it does not: it says at least as much as NAMES_SERVER.
TUPLE_SURE = 0.99
TUPLE_LATER = 0.95
"""Later on a connection whose beginning matches."""
NO_LOCAL_PORT = 0.97
OTHER_CONNECTION = 0.97
"""Other connections of one process to the server, this one not recorded."""
RESOLVED_NAME = 0.97
VIA_RESOLVER = 0.95
THROUGH_PROXY = 0.95
PORT_KEPT = 0.95
"""Behind a translator that kept the client's port. Both were measured with clocks that were taken as equal: none of a
host's connections is seen there that could align them."""
TRANSLATED = 0.75
HELLO_OF_HOST = 0.95
HELLO_OF_SITE = 0.95
NAMES_OBJECT = 0.95
NAMES_SERVER = 0.95
KNOWN_CLIENT = 0.95
SEVERAL_NEAR = 0.98
"""Factor when the winner was only the nearest of several."""
WEAK_CLOCK = 0.9
"""Factor when fewer than three connections set the offset."""
ASSUMED_CLOCK = 0.7
"""Factor when nothing set it and the clocks were taken as equal."""
