"""Whether a SCIM server holds what Personio's fake has: everybody, each attribute, who may come in, managers, groups.

    scim_compare.py SANDBOX SCIM TOKEN [--extension]

SANDBOX is the admin origin of the fakes, SCIM the base of the server. What is to be expected is written here from what
the flow promises, not read from the flow. Fails with the first differences.
"""
