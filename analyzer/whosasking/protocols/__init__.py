"""Pure decoders of what is on the wire: no I/O, no state, every input bounded."""
