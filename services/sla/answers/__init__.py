"""What sla answers, as types for its OpenAPI document (`events.answers`): cases, the record, its seals and remedies,
rebuilds, rules, evidence.
"""
