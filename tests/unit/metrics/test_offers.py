"""One suggestion is one, however many keys are typed along it."""

from __future__ import annotations

from fim_lsp.metrics.offers import MOST, Offers


def add(offers: Offers, place: str, *texts: str, uri: str = "u"):
    return offers.add(uri, "python", "gpt", place.replace("|", ""), place.index("|"), texts)


def test_typing_along_goes_on_with_an_offer_and_typing_else_begins_one():
    offers = Offers()
    first = add(offers, "return |", "alpha + beta", "gamma")
    assert add(offers, "return alp|", "ha + beta").id == first.id
    assert add(offers, "return alp|", "ine").id != first.id
    assert add(offers, "return |", "alpha + beta", uri="other").id != first.id


def test_taking_word_by_word_adds_up():
    offers = Offers()
    offer = add(offers, "return |", "alpha + beta", "gamma")
    offer, taken = offers.take(offer, 0, 5)
    assert (taken, offer.accepted, offer.texts) == ("alpha", 5, (" + beta",))
    assert add(offers, "return alpha|", " + beta").id == offer.id
    offer, taken = offers.take(offers.get(offer.id), 0)
    assert (taken, offer.accepted, offer.texts) == (" + beta", 12, ("",))
    assert offers.take(offer, 0)[1] == ""  # told twice


def test_the_second_alternative_is_taken():
    offers = Offers()
    offer = add(offers, "return |", "alpha + beta", "gamma")
    assert offers.take(offer, 1)[1] == "gamma"


def test_offers_are_forgotten_with_their_document_and_when_there_are_many():
    offers = Offers()
    old = add(offers, "|", "a", uri="old")
    closed = add(offers, "|", "a", uri="closed")
    offers.drop("closed")
    assert offers.get(closed.id) is None and offers.get(old.id)
    for n in range(MOST):
        add(offers, "|", "a", uri=f"{n}")
    assert offers.get(old.id) is None
