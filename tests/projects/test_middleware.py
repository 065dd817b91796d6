"""The edge: limits on bodies, request ids, problem bodies, headers."""

import json

import pytest
from django.http import HttpResponse

from projects.middleware import body_limit, vary_on_fragment
from projects.problems import problem


def reached(request):
    return HttpResponse("reached")


def test_a_body_of_17_mib_is_refused_before_it_is_read(rf):
    request = rf.post("/", data=b"", content_type="application/json", CONTENT_LENGTH=str(17 * 2**20))
    response = body_limit(reached)(request)
    assert response.status_code == 413
    assert json.loads(response.content)["detail"] == "The body is 17.0 MiB; at most 16 MiB are taken at once."


@pytest.mark.django_db
def test_a_real_body_of_17_mib_is_refused_before_it_is_read(client):
    response = client.post("/sign-in/", data=b"a" * (17 * 2**20), content_type="application/octet-stream")
    assert response.status_code == 413
    assert response["Content-Type"] == "application/problem+json"


def test_a_body_at_the_limit_goes_through(rf, settings):
    request = rf.post("/", data=b"", content_type="text/plain", CONTENT_LENGTH=str(settings.BODY_LIMIT))
    assert body_limit(reached)(request).content == b"reached"


@pytest.mark.parametrize("length", ["many", "-1", "1e9", "٢", "²"])
def test_a_length_that_is_not_a_number_is_refused(rf, length):
    response = body_limit(reached)(rf.get("/", CONTENT_LENGTH=length))
    assert response.status_code == 400


def test_fragments_and_pages_are_distinguished_by_caches(rf):
    assert "HX-Request" in vary_on_fragment(reached)(rf.get("/"))["Vary"]


def test_a_problem_has_the_fields_of_rfc_9457():
    response = problem(409, "The key is taken.", key="a-1")
    assert response["Content-Type"] == "application/problem+json"
    assert json.loads(response.content) == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "The key is taken.",
        "key": "a-1",
    }


def test_every_answer_has_a_request_id_and_the_strict_policy(client):
    response = client.get("/healthz")
    assert response["X-Request-Id"].startswith("req_")
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_body_without_its_length_is_refused_in_place_of_read_as_empty(rf):
    request = rf.generic("POST", "/", HTTP_TRANSFER_ENCODING="chunked")
    request.META.pop("CONTENT_LENGTH", None)
    response = body_limit(reached)(request)
    assert response.status_code == 411
    assert "Content-Length" in json.loads(response.content)["detail"]


@pytest.mark.django_db
def test_a_call_that_is_not_there_is_a_problem_and_a_page_that_is_not_there_a_page(client):
    call, page = client.get("/api/v1/nowhere"), client.get("/nowhere/")
    assert (call.status_code, call["Content-Type"]) == (404, "application/problem+json")
    assert "openapi.json" in call.json()["detail"]
    assert page["Content-Type"].startswith("text/html")


@pytest.mark.django_db
def test_a_method_that_is_not_taken_is_a_problem_that_names_the_one_that_is(client):
    response = client.put("/api/v1/projects/mail/leases")
    assert (response.status_code, response["Content-Type"]) == (405, "application/problem+json")
    assert response["Allow"] in response.json()["detail"] and response["Allow"] == "POST"


@pytest.mark.django_db
def test_a_failure_under_the_api_is_a_problem_without_a_trace(client, monkeypatch):
    monkeypatch.setattr("projects.api_auth.find_key", lambda request: 1 / 0)
    client.raise_request_exception = False
    response = client.get("/api/v1/projects/mail/items")
    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert "Traceback" not in response.content.decode() and response["X-Request-Id"]


@pytest.mark.django_db
def test_the_description_of_the_api_needs_no_key(client):
    described = client.get("/api/v1/openapi.json")
    assert described.status_code == 200
    assert "/api/v1/projects/{slug}/predictions" in described.json()["paths"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/p/own%00/items/", "/api/v1/projects/own/items/%00", "/admin/jobs/beat/%00/change/"])
def test_an_address_with_a_nul_is_not_there(client, path):
    assert client.get(path).status_code == 404
