"""Stand-ins for the vendors: loopback servers with memory, a clock and faults on demand.

They are shipped because `trueup demo` and `trueup simulate` run them; the tests run them too. Nothing else
may import them, and they import nothing of the agent: what they know of a vendor they know from the vendor.
"""
