"""The published language as documents, for those who do not read Python.

schemas     a JSON Schema of every fact, and of the envelope
asyncapi    the one AsyncAPI document: channels, keys, messages, who says and who hears
acls        who may write and read which topic, as Kafka is told
files       what of it is committed under docs/
compatible  what may change between two schemas of one version
released    the code against every schema and golden that was ever released
"""
