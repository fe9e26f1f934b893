"""Large payloads: received sealed, worked on by other processes in parts, resumed after a crash.

`engine.py` has the parts worked on, here or on other machines. `work.py` is what a worker does
with one part. `chunked.py` knows how parts become one transfer, exactly as if it had been read
at once; `jobs.py` carries what is not answered at once.
"""
