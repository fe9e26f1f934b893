"""Drafting a mapping from what a system says about its own questions.

A form's definition, a metadata export, a header: each becomes questions (`forms`, `listings`),
each question is compared with the canonical leaves (`match`), and what is sure is written down
as a mapping (`draft`). What is not sure becomes a question to the person who asked, and a mapping
with an open question is not used. Nothing is mapped silently; no answer of anybody is read.
"""

from gateway.suggest.draft import Draft, draft
from gateway.suggest.reading import read_questions

__all__ = ["Draft", "draft", "read_questions"]
