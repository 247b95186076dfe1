"""The server against its own OpenAPI document: Schemathesis makes requests that follow it, and requests that do not."""
from __future__ import annotations

import os
from importlib.metadata import version

import pytest

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
if int(version("schemathesis").split(".")[0]) < 4:
    pytest.skip("schemathesis is older than 4.0, whose functions are others", allow_module_level=True)

from hypothesis import HealthCheck, assume, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from schemathesis import GenerationMode  # noqa: E402
from schemathesis.checks import CHECKS  # noqa: E402
from tiny_server import picture  # noqa: E402

EXAMPLES = int(os.environ.get("R2N2_SCHEMA_EXAMPLES", "12"))  # of each route and mode
ROUTES = ("GET /healthz", "GET /readyz", "GET /metrics", "GET /v1/model", "POST /v1/views", "POST /v1/reconstructions",
          "POST /v1/reconstructions/stream", "POST /v1/surfaces")
# a request may follow the document and still be of no use: no cell reaches the threshold, its time is too short
USELESS = {(422, "no_surface"), (503, "deadline")}


@pytest.fixture(scope="module")
def document(server):
    """The document, and how to make what it cannot describe: pictures, and grids of the right size."""
    schemathesis.openapi.media_type("image/png", st.integers(0, 7).map(picture))
    schemathesis.openapi.media_type("application/octet-stream", st.binary(min_size=16, max_size=16).map(
        lambda pattern: pattern * 256))
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


def follows(ctx, response, case):
    """What follows the document is answered, or told why it is of no use."""
    if case.meta.generation.mode.is_positive and response.status_code != 200:
        assert (response.status_code, response.json()["error"]["code"]) in USELESS, response.content[:300]


def keeps_to_itself(ctx, response, case):
    """Refusals are a code and one sentence; no answer tells of the inside."""
    if response.status_code != 200:
        error = response.json()["error"]
        assert set(error) == {"code", "message"} and error["message"] and "\n" not in error["message"]
        assert not any(word in error["message"] for word in ("Traceback", ".py", "site-packages"))
    assert response.status_code < 500 or response.status_code == 503
    assert response.headers["x-content-type-options"] == ["nosniff"]


# a route that takes nothing can only be asked by the document
@pytest.mark.slow
@pytest.mark.parametrize("route, mode", [(route, mode) for route in ROUTES for mode in GenerationMode
                                         if mode.is_positive or route.startswith("POST")])
def test_requests_by_the_document_and_against_it(document, route, mode):
    method, path = route.split()
    operation = document[path][method]
    own = [CHECKS.get_one("positive_data_acceptance"),  # `follows` knows better
           CHECKS.get_one("not_a_server_error")]  # 503 is none

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))
    def test(case):
        body = getattr(case.body, "body", case.body)
        if not mode.is_positive and isinstance(body, dict):  # in a form, a list of one is its value, of none is absent
            assume(not any(isinstance(value, list) and len(value) < 2 for value in body.values()))
        case.call_and_validate(additional_checks=[follows, keeps_to_itself], excluded_checks=own)

    test()


def test_no_route_is_left_out(document):
    assert {result.ok().label for result in document.get_all_operations()} == set(ROUTES)
