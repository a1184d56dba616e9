"""The OpenAPI description is true: schemathesis sends requests that it allows and others that it does not."""

from __future__ import annotations

import contextlib

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

import tiny_voice
from voxlet.serving.app import create_app
from voxlet.speak.voice import load_voice


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
def test_the_description_is_true(tmp_path, mode: str) -> None:
    torch.set_flush_denormal(False)  # tests that train leave it on, and hypothesis draws such numbers
    import schemathesis  # it takes seconds, and the fast tests need none of it
    from schemathesis import checks
    from schemathesis.specs.openapi import checks as openapi

    held = [
        checks.not_a_server_error,
        openapi.status_code_conformance,
        openapi.content_type_conformance,
        openapi.response_schema_conformance,
        openapi.negative_data_rejection,
    ]
    path = tmp_path / "tiny.voice"
    path.write_bytes(tiny_voice.voice_bytes())
    app = create_app([load_voice(path, threads=1)], threads=1, page=tmp_path / "none")
    interface = schemathesis.openapi.from_asgi("/openapi.json", app, headers={"Host": "localhost"})
    operations = [found.ok() for found in interface.get_all_operations()]
    assert len(operations) == 13
    asked = 0
    for operation in operations:

        @settings(max_examples=15, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode[mode]))
        def holds(case) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(checks=held, headers={"Host": "localhost"})

        with contextlib.suppress(Unsatisfiable):  # requests without parameters cannot be invalid
            holds()
    assert asked > 40
