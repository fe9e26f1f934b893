"""People in the log: found for those who ask about themselves, and for nobody else.

Each record that leaves is committed to singly, so that it can be shown to have been in a
transfer, and is found again by a keyed mark of its own id. Both are destroyed for a person
who asks for it; the entry stays as it is, and opens to nobody then.
"""

from gateway.subjects.commitments import Commitments, commitment, subject_key, token
from gateway.subjects.stops import Stops, stops_of

__all__ = ["Commitments", "Stops", "commitment", "stops_of", "subject_key", "token"]
