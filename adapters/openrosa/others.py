"""The family's documents that hold no answers, refused by what they are."""

from collections.abc import Mapping
from typing import Any

from gateway.errors import SenderError

ROOTS = {
    "html": ("a form's definition, not an answer to it", "form_definition"),
    "Edmx": ("a description of fields, not answers", "metadata"),
    "xforms": ("a list of forms, not answers", "form_list"),
    "manifest": ("a list of a form's media, not answers", "form_list"),
    "OpenRosaResponse": ("a server's answer, not a submission", "server_response"),
    "osm": ("an OpenStreetMap file, not a submission", "osm"),
}
"""Of XML documents, by the name of the root."""


def refuse_root(name: str, *, form: str) -> None:
    """Raise `SenderError` for the root of an XML document that is known and no submission."""
    if name in ROOTS:
        problem, rule = ROOTS[name]
        raise SenderError(problem, rule=f"{form}.{rule}")


def refuse_object(document: Mapping[str, Any], *, form: str) -> None:
    """The same for a JSON object."""
    if "asset_type" in document or (document.get("type") == "survey" and "children" in document):
        raise SenderError(
            "a form's definition, not an answer to it", rule=f"{form}.form_definition"
        )
    if document.get("type") == "FeatureCollection":
        raise SenderError("GeoJSON, which the geojson adapter reads", rule=f"{form}.geojson")
    if "openapi" in document or "$schema" in document:
        raise SenderError("a description, not a submission", rule=f"{form}.not_submissions")
