"""What a converter finds wrong with a value."""


class Bad(ValueError):  # noqa: N818 - a finding about a value; never leaves this package
    """A value its converter does not accept. Carries the rule, never the value."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule
