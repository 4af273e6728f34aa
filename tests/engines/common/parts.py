"""The one text of a request.

In: a request as ../README.md describes it under "Execution". Out: its query, or Refused with the reason. Must not know: any
language.
"""


class Refused(Exception):
    """The request cannot be answered."""


def only_query(request):
    """The text of the one part."""
    texts = [part["text"] for part in request["parts"] if part["role"] == "query"]
    if len(texts) != 1 or len(request["parts"]) != 1:
        raise Refused(f"one query is expected, not {[part['role'] for part in request['parts']]}")
    return texts[0]
