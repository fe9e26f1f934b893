"""What KoboToolbox, ODK Central and Ona have in common: XForms, and OpenRosa submissions.

Not an adapter. A submission reaches us as an XML instance, as nested JSON or as flat JSON; all
become the flat object that mappings are written for: a question is under its whole path
(`group/question`), a repeat is a list of such objects whose keys hold the whole path again.
Attributes are keys too: `@version` of the form, `age/@hxl` of a question.
"""
