"""What sla answers, as types for its OpenAPI document (`http.answers`): cases, the record, its seals and remedies,
rebuilds, rules, evidence.
"""
