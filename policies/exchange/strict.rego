package exchange

# METADATA
# scope: rule
# title: What a strict server fails at
# description: |
#   The gateway asks an OPA server for this with something that is no instant, before any question. A
#   strict one fails. Any other says nothing is defined, and under `not` that would mean allowed.
# related_resources:
#   - ref: https://www.openpolicyagent.org/docs/latest/rest-api/
#     description: OPA, strict-builtin-errors
strict_probe := time.parse_rfc3339_ns(input.probe)
