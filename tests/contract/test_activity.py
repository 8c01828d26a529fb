"""The log of writes, in a database of its own."""

import pytest

from .transcripts import Api

FIELDS = ["id", "created_at", "action", "kind", "subject_id", "detail"]


@pytest.fixture
def tag(api: Api, request: pytest.FixtureRequest) -> dict[str, str]:
    """A tag that was created and changed twice."""
    tag = api.created("/tags", name="logged")
    for name in ("logged again", "logged"):
        assert api.patch(f"/tags/{tag['id']}", {"name": name}).status_code == 200
    return tag


def test_every_write_is_logged_and_no_failed_one(api: Api, tag: dict[str, str]) -> None:
    with api.store.unchanged():
        assert api.post("/tags", {"name": "logged"}).status_code == 409
        assert api.patch(f"/tags/{tag['id']}", {"name": ""}).status_code == 422
        assert api.get(f"/tags/{tag['id']}").status_code == 200
    assert api.delete(f"/tags/{tag['id']}").status_code == 204
    page = api.get("/activity", params={"subject": tag["id"]}).json()
    assert [list(item) for item in page["items"]] == [FIELDS] * 4
    shown = [(item["action"], item["kind"], item["subject_id"], item["detail"]) for item in page["items"]]
    assert shown == [
        ("deleted", "tag", tag["id"], "logged"),
        ("updated", "tag", tag["id"], "logged"),
        ("updated", "tag", tag["id"], "logged again"),
        ("created", "tag", tag["id"], "logged"),
    ]
    assert api.get("/activity", params={"page_size": 1}).json()["items"] == page["items"][:1]


def test_the_log_is_filtered_and_sorted(api: Api, tag: dict[str, str]) -> None:
    of_tag = {"subject": tag["id"]}
    everything = api.get("/activity", params=of_tag).json()["items"]
    assert api.get("/activity", params={**of_tag, "order_by": "created_at"}).json()["items"] == everything[::-1]
    assert list(api.walk("/activity", **of_tag, page_size=2)) == everything[::-1]
    assert api.get("/activity", params={**of_tag, "action": "updated"}).json()["items"] == everything[:2]
    assert api.get("/activity", params={**of_tag, "kind": "tag", "action": " created "}).json()["items"] == everything[2:]
    assert api.get("/activity", params={**of_tag, "kind": "book"}).json()["total"] == 0
    assert api.get("/activity", params={"ids": everything[1]["id"]}).json()["items"] == [everything[1]]
    before = {**of_tag, "created_before": everything[0]["created_at"]}
    assert api.get("/activity", params=before).json()["items"] == everything[1:]
    assert api.delete(f"/tags/{tag['id']}").status_code == 204
