"""What other systems may say to onedoor, judged one event at a time. Pure: both doors, and whoever checks a recording,
use the same.

cloudevent      a CloudEvent as it was sent, whatever its mode
signed_record   a Kafka record of another system, and whether its emitter signed it
emitters        who may say what: the file of emitters
rate_limit      how many events an emitter may post
rules           an event, its emitter and its arrival → an accepted event, or Refused with field, rule and way out
equality        when two events of one name are one event
decide          an event among those before it → accepted, a repeat, or a refusal
sequence_step   what is kept of an accepted event while the rest of its dossier is awaited
sequence_check  the steps of a dossier → what cannot be in it
recording       a recorded stream → a report of all that
findings        what such a report says of each finding, and how to mend it
"""
