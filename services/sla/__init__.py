"""The SLA engine: from the facts of the others alone, whether each dossier was ahead of time, on time or overdue.

Hears   intake.events, routing.events, field.events, provincial.events, heartbeats
Decides which verdicts, warnings (of promises, steps and agencies) and escalations are published, once each; which
        generation of the tables is live; which periods are sealed and restated; which units have to put something
        right; which rules are published
Says    sla.events, rules.events, sla.cases (compacted: the latest status of every case)
Shows   /cases, /overdue, /record (each now and as of a day; CSV, XLSX, print; seals; practice), /remedies,
        /what-if, /public/record, /stream, a live page at /
"""
