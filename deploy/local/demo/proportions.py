"""The proportions of the generated quarter, in one place.

From the article: fifteen counters, 3,187 dossiers received between 10 July and 10 October 2017 (66 working days), more
than 99% of them ahead of time or on time, medium voltage averaging 4.28 days from July to September.
Everything else here (the weights of the counters, the mix of services, how often anything happens) is an assumption of
this generator, chosen to be plausible and to bring every branch of the trade about. Nothing here is a statistic.
"""

from collections.abc import Mapping
from datetime import date

FIRST_DAY, LAST_DAY = date(2017, 7, 10), date(2017, 10, 10)
CASES, SEED = 3187, 2017
MV_DAYS = 4.28  # utility working days of medium voltage finished from July to September
MV_DAYS_UNTIL = date(2017, 9, 30)

ASSUMED = (
    "the weights of the counters",
    "the mix of services (60% low voltage, 35% contracts and meters, 5% medium voltage)",
    "how often papers are supplemented, cases refused, withdrawn, stopped, extended, reopened or rated",
    "which units answer over Zalo, how long each step takes, what goes wrong on site and whose fault it is",
)

COUNTERS: Mapping[str, float] = {
    "PAC-22": 7, "PAC-193": 16, "PAC-194": 9, "PAC-195": 13, "PAC-196": 9, "PAC-198": 2.5, "PAC-199": 3.5,
    "PAC-200": 3, "PAC-201": 4, "PAC-202": 2, "PAC-203": 4.5, "PAC-204": 4.5, "PAC-205": 9.5, "PAC-206": 11,
    "PAC-207": 1.5,
}  # fmt: skip
CITIES_AND_TOWNS = frozenset({"DL-193", "DL-194", "DL-195", "DL-196", "DL-205", "DL-206"})

SERVICES: Mapping[str, float] = {
    "LV-RES-URBAN": 29, "LV-RES-RURAL": 15, "LV-NONRES-SMALL": 7, "LV-NONRES-LARGE": 2.5, "LV-POLE": 6.5,
    "CONTRACT-CHANGE": 15, "TERMINATION": 3.5, "CAPACITY-URBAN": 5, "CAPACITY-RURAL": 3, "CAPACITY-CT": 1,
    "RELOCATE": 4, "METER-CHECK": 3.5, "MV-CONNECT": 5,
}  # fmt: skip

CHANNELS: Mapping[str, float] = {"counter": 86, "online": 6, "hotline": 5, "post": 3}

# What happens to a dossier, as a share of all dossiers; each at least once however few there are.
# How a dossier arrives.
ARRIVALS: Mapping[str, float] = {
    "by-zalo": 0.06,  # applied over Zalo before, waits in the counter's list
    "turned-away": 0.02,  # came the day before with papers missing: not received then
    "after-15": 0.15,
    "at-lunch": 0.02,
    "on-saturday": 0.02,
}
# How it ends other than in the ordinary way.
ENDINGS: Mapping[str, float] = {
    "refused": 0.006,
    "withdrawn": 0.007,
    "withdrawn-on-site": 0.003,  # while a team has the work order
    "stopped": 0.002,  # the customer never brought the supplement
    "late": 0.003,  # overdue by the utility's own delay, without apology
    "late-with-apology": 0.003,
    "extended-but-kept": 0.0015,  # apologised, and finished in time after all
    "reopened": 0.003,
}
PAPERS: Mapping[str, float] = {"supplement": 0.036, "second-supplement": 0.003}
# On site, where a team works.
SITE: Mapping[str, float] = {
    "obstacle-customer": 0.015,
    "obstacle-agency": 0.004,
    "obstacle-utility": 0.008,
    "missed-by-customer": 0.008,
    "missed-by-utility": 0.005,
}
# Questions to agencies, as a share of the dossiers of the service.
REFERRED_MV, REFERRED_TWICE_MV, REFERRED_POLE = 0.55, 0.15, 0.4
AGENCY_LATE = 0.1  # of the questions
RESUBMITTED = 0.4  # of the refused

ADVICE = 0.1  # questions answered at a counter, per dossier
STRAYS = 0.002  # Zalo messages from nobody we know, per dossier
USES_ALL_THE_TIME = 0.28  # of dossiers with a limit of three days: finished on the last day
NEVER_COLLECTED = 0.04  # within the period
RATED = 0.4  # of those collected
STARS: Mapping[int, float] = {5: 52, 4: 33, 3: 11, 2: 3, 1: 1}
BY_ZALO = 0.5  # of the units: they answer NHAN and XONG instead of using the software
ACKNOWLEDGED = 0.75  # of the hand-overs
VISIT_AGREED, START_TOLD = 0.7, 0.6  # of the work orders
