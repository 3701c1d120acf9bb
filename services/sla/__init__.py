"""The SLA engine: from the facts of the others alone, whether each dossier was ahead of time, on time or overdue.

Hears   intake.events, routing.events, field.events, heartbeats
Decides which verdicts and warnings are published, once each; which generation of the tables is live
Says    sla.events, sla.cases (compacted: the latest status of every case)
Shows   /cases, /overdue, /record, /record/practice, /public/record, /stream, and a live page at /
"""
