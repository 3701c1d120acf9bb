"""The parts that onedoor needs, started by itself when none are given: for a laptop, the demo and the tests.

Each part is the real thing as a child process (Apache Kafka, PostgreSQL) or a small honest server with the same
HTTP API (the token issuer, the Zalo simulator). No service imports this package: services only see addresses in
their environment, as they do in deployment.

    places      where state and downloads live
    child       a process that ends with us, whatever ends us
    kafka       Apache Kafka from its jars (jars.py) or, without Java, from its image (image.py)
    postgres    PostgreSQL from its wheel
    provision   one role and one schema per service, on any PostgreSQL
    issuer      tokens, one client per role and unit
    zalo        the Official Account's API, keeping every message it gets
    stack       all of it in order, and each part killed and started again at will
"""
