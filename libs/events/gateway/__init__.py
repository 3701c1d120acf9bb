"""What other systems may say to onedoor, judged one event at a time. Pure: both doors, and whoever checks a recording,
use the same.

sent.py      a CloudEvent as it was sent, whatever its mode
letter.py    a Kafka record of another system, and whether its emitter signed it
emitters.py  who may say what: the file of emitters
quota.py     how many events an emitter may post
rules.py     an event, its emitter and its arrival → an accepted fact, or Refused with field, rule and way out
decide.py    an event among those before it → accepted, a repeat, or a refusal
steps.py     what is kept of an accepted fact while the rest of its dossier is awaited
course.py    the steps of a dossier → what cannot be in it
recording.py a recorded stream → a report of all that
findings.py  what such a report says of each finding, and how to mend it
"""
