"""The document that tells what may be asked."""

import json

from vectorfind.studio.serving.entries import load_entries
from vectorfind.studio.serving.schema import openapi


def test_all_that_may_be_asked_stands_in_it(folder, generator):
    entries = load_entries([folder], generator)
    document = json.loads(json.dumps(openapi(entries)))
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    assert set(paths) == {"/characters", "/characters/{id}/thumbnail", "/render", "/schema"}
    query = {each["name"]: each for each in paths["/render"]["get"]["parameters"]}
    body = paths["/render"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {name: each["schema"] for name, each in query.items()} == body["properties"]
    assert [name for name, each in query.items() if each["required"]] == body["required"]
    assert body["properties"]["character"]["enum"] == list(entries)
    for name in entries["anna"].character.properties:
        slider = body["properties"][name]
        assert (slider["type"], slider["minimum"], slider["maximum"]) == ("number", -1, 1)
    assert set(paths["/render"]["get"]["responses"]) == {"200", "400", "404", "413", "429", "503"}
    assert set(paths["/render"]["get"]["responses"]["200"]["content"]) == {
        "image/png", "image/jpeg", "image/webp"}  # fmt: skip
