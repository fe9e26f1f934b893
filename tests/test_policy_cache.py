"""The memory in front of an engine: what it answers is what the engine would have answered."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy import (
    Cached,
    Decision,
    Embedded,
    PolicyError,
    PolicyTimeout,
    Question,
    QuestionUnfit,
    Template,
    read_bundle,
)
from gateway.policy.cases import case
from gateway.policy.engine import HOLD
from gateway.policy.question import INSTANT
from tests.strategies_policy import POLICIES, questions, sample

NOW = "2026-11-22T08:00:00Z"


def after(moment: str, seconds: float) -> str:
    read = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return (read + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def at(document, now=NOW) -> Question:
    return Template.of(document).at(now)


@pytest.fixture(scope="module")
def engine():
    engine = Embedded(read_bundle(POLICIES), inline=True)
    yield engine
    asyncio.run(engine.close())


class Counting:
    """An engine that counts what it is asked."""

    name = "embedded"

    def __init__(self, engine) -> None:
        self.engine, self.asked = engine, []
        self.revision = engine.revision

    async def decide(self, question):
        return self.decide_now(question)

    def decide_now(self, question) -> Decision:
        self.asked.append(question)
        return replace(self.engine.decide_now(question), revision=self.revision)

    async def prove(self):
        pass

    async def close(self):
        pass


# -- exactly what the engine says --------------------------------------------------------------


def turning_points(document) -> list[str]:
    """Every instant a question names, the instants around it, and the end of the hold."""
    text = Question.of(document).canonical.decode()
    named = {NOW, *(found.group() for found in INSTANT.finditer(text))}
    found = set()
    for one in named:
        try:
            found |= {after(one, seconds) for seconds in (-1, 0, 1)}
        except (ValueError, OverflowError):
            found.add(one)
    return sorted(found | {after(NOW, HOLD.total_seconds() - 1), after(NOW, HOLD.total_seconds())})


def generated(seed: int):
    """A question of one of the two generators."""
    if seed % 3 == 0:
        return questions(1, seed)[0]
    return case(str(seed)).document


class Recorded:
    """What an engine answers to one question at some moments, to be asked often at no cost."""

    name = "embedded"

    def __init__(self, engine, template: Template, moments: list[str]) -> None:
        self.revision = engine.revision
        self.answers = {moment: told(engine, template.at(moment)) for moment in moments}
        self.asked = 0

    def decide_now(self, question) -> Decision:
        self.asked += 1
        answer = self.answers[question.now]
        if isinstance(answer, PolicyError):
            raise answer
        return answer


def told(engine, question) -> Decision | PolicyError:
    try:
        return engine.decide_now(question)
    except PolicyError as error:
        return error


AGES = timedelta(days=365 * 50)
"""With this hold nothing but what the policy says ends an answer."""


def test_at_any_moments_in_any_order_it_answers_what_the_engine_answers(engine, monkeypatch):
    reused = []

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 10**6), st.data())
    def look(seed, data):
        document = generated(seed)
        try:
            points = turning_points(document)
        except QuestionUnfit:
            return
        template = Template.of(document)
        recorded = Recorded(engine, template, points)
        jumps = data.draw(st.lists(st.sampled_from(points), min_size=1, max_size=40))
        for hold in (HOLD, AGES):
            monkeypatch.setattr("gateway.policy.engine.HOLD", hold)
            cached = Cached(recorded)
            before = recorded.asked
            for moment in [*points, *jumps]:
                assert told(cached, template.at(moment)) == recorded.answers[moment]
            assert cached.hits + cached.misses == len(points) + len(jumps)
            assert cached.misses == recorded.asked - before
            reused.append(cached.hits)

    look()
    assert sum(reused) > 100


def test_it_does_remember(engine):
    counting = Counting(engine)
    cached = Cached(counting)
    documents = [sample(), *questions(60, seed=5)]

    for step in range(4):
        for document in documents:
            cached.decide_now(at(document, after(NOW, step)))

    assert cached.hits > 100
    assert len(counting.asked) == cached.misses < len(documents) * 2


# -- when it asks again ------------------------------------------------------------------------


def moments_asked(counting) -> list[str]:
    return [question.now for question in counting.asked]


def test_an_answer_holds_until_the_policy_says_it_may_change(engine):
    counting = Counting(engine)
    cached = Cached(counting)
    document = sample()
    document["agreement"]["scope"]["end"] = after(NOW, 600)

    verdicts = [
        cached.decide_now(at(document, after(NOW, seconds))).verdict
        for seconds in (0, 1, 300, 599, 600, 601)
    ]

    assert verdicts == ["allow"] * 4 + ["refuse"] * 2
    assert moments_asked(counting) == [NOW, after(NOW, 600)]


def test_no_answer_holds_longer_than_an_hour(engine):
    counting = Counting(engine)
    cached = Cached(counting)

    for seconds in (0, HOLD.total_seconds() - 1, HOLD.total_seconds()):
        cached.decide_now(at(sample(), after(NOW, seconds)))

    assert moments_asked(counting) == [NOW, after(NOW, 3600)]


def test_a_clock_that_jumps_back_is_answered_for_its_own_moment(engine):
    counting = Counting(engine)
    cached = Cached(counting)
    document = sample()
    document["agreement"]["scope"]["start"] = NOW

    verdicts = [
        cached.decide_now(at(document, after(NOW, seconds))).verdict
        for seconds in (5, -1, -1, 0, 5, 4)
    ]

    assert verdicts == ["allow", "refuse", "refuse", "allow", "allow", "allow"]
    assert moments_asked(counting) == [after(NOW, 5), after(NOW, -1), NOW]


def test_one_word_of_the_question_makes_it_another(engine):
    counting = Counting(engine)
    cached = Cached(counting)
    documents = [sample() for _ in range(4)]
    documents[1]["context"]["prior"] = {"transfers": "some", "derogations": 2}
    documents[2]["agreement"]["state"] = "suspended"
    documents[3]["classes"][0]["facts"]["objected"] = True

    answers = [cached.decide_now(at(document)) for document in documents]

    assert len(counting.asked) == 4
    assert answers[2].verdict == "refuse"
    assert [cached.decide_now(at(document)) for document in documents] == answers
    assert len(counting.asked) == 4


def test_a_denial_is_not_remembered(engine):
    counting = Counting(engine)
    cached = Cached(counting)

    class Late:
        revision = engine.revision

        def decide_now(self, question):
            raise PolicyTimeout("no answer in time", rule="policy.timeout")

    cached.engine = Late()
    with pytest.raises(PolicyTimeout):
        cached.decide_now(at(sample()))
    cached.engine = counting

    assert cached.decide_now(at(sample())).verdict == "allow"
    assert (cached.hits, cached.misses) == (0, 2)


# -- forgetting --------------------------------------------------------------------------------


def test_an_answer_under_way_when_all_is_forgotten_is_not_remembered(engine):
    counting = Counting(engine)
    cached = Cached(counting)

    class Flushing(Counting):
        def decide_now(self, question):
            decision = super().decide_now(question)
            cached.flush()
            return decision

    cached.engine = Flushing(engine)
    first = cached.decide_now(at(sample()))
    cached.engine = counting
    second = cached.decide_now(at(sample()))

    assert len(counting.asked) == 1
    assert first == second


def test_another_bundle_forgets(engine):
    counting = Counting(engine)
    cached = Cached(counting)
    cached.decide_now(at(sample()))
    before, counting.revision = counting.revision, "sha256:other"
    assert cached.decide_now(at(sample())).revision == "sha256:other"
    counting.revision = before
    assert cached.decide_now(at(sample())).revision == before
    assert len(counting.asked) == 3


def test_what_was_used_longest_ago_goes_first(engine):
    counting = Counting(engine)
    cached = Cached(counting, size=2)
    documents = [sample() | {"records": bucket} for bucket in ("1-9", "10-99", "100-999")]
    first, second, third = (at(document) for document in documents)

    for question in (first, second, first, third, first, second):
        cached.decide_now(question)

    assert counting.asked == [first, second, third, second]


@pytest.mark.parametrize(("rooms", "asked"), [(2, 2), (1, 3), (0, 4)])
def test_big_questions_leave_room_for_few(engine, rooms, asked):
    counting = Counting(engine)
    question, other = at(sample()), at(sample() | {"records": "10-99"})
    room = max(len(question.cache_key), len(other.cache_key))
    cached = Cached(counting, max_bytes=rooms * room)

    for one in (question, question, other, question):
        cached.decide_now(one)

    assert len(counting.asked) == asked


def test_what_is_replaced_takes_no_room_twice(engine):
    counting = Counting(engine)
    question, other = at(sample()), at(sample() | {"records": "10-99"})
    cached = Cached(counting, max_bytes=2 * len(other.cache_key))
    cached.decide_now(other)
    for seconds in (-1, -2, -3):
        cached.decide_now(question.template.at(after(NOW, seconds)))

    cached.decide_now(other)

    assert len(counting.asked) == 4


def test_many_threads_at_once(engine):
    owned = Embedded(read_bundle(POLICIES))
    cached = Cached(owned, size=3)
    asked = [at(document) for document in [sample(), *questions(7, seed=3)]]
    expected = [engine.decide_now(question) for question in asked]
    wrong = []

    def ask(turn: int) -> None:
        for step in range(40):
            index = (step * turn) % len(asked)
            if cached.decide_now(asked[index]) != expected[index]:
                wrong.append(index)
            if step % 10 == turn:
                cached.flush()

    threads = [threading.Thread(target=ask, args=(turn,)) for turn in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert cached.hits + cached.misses == 200
    assert cached.hits > 0
    asyncio.run(cached.close())


def test_a_loop_is_answered_alike(engine):
    counting = Counting(engine)
    cached = Cached(counting)

    async def ask() -> list[Decision]:
        return [await cached.decide(at(sample(), after(NOW, second))) for second in range(3)]

    answers = asyncio.run(ask())

    assert answers == [engine.decide_now(at(sample(), after(NOW, second))) for second in range(3)]
    assert (cached.hits, cached.misses, len(counting.asked)) == (2, 1, 1)
