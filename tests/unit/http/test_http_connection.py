# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options: what is refused, with which words, and that they are documented as they are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.aritma.iam.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import CONNECTION, ENVIRONMENT, Connection
from ansible_collections.aritma.iam.plugins.module_utils._oauth.exchange import SPEC
from ansible_collections.aritma.iam.plugins.modules import token_exchange

GOOD = {
    "api_url": "https://api.example.test/core/iam",
    "tenant": "acme",
    "auth_client_id": "admin",
    "auth_client_secret": "canary-secret",
}


def connection(**changes: Any) -> Connection:
    return Connection.from_params({**GOOD, **changes})


def test_the_token_endpoint_is_built_from_the_tenant() -> None:
    assert connection().token_url == "https://id.aritma.io/acme/connect/token"
    assert connection(identity_url="https://id.example.test/x/", tenant="a/b æ").token_url == (
        "https://id.example.test/x/a%2Fb%20%C3%A6/connect/token"
    )


def test_token_url_wins_over_the_tenant() -> None:
    assert connection(token_url="https://t.example.test/token").token_url == "https://t.example.test/token"


@pytest.mark.parametrize("written", ["/", "/v1", "/v1/", "//"])
def test_a_slash_or_v1_at_the_end_of_api_url_is_dropped(written: str) -> None:
    assert connection(api_url=GOOD["api_url"] + written).api_url == GOOD["api_url"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"api_url": None}, ["api_url, the address of the IAM API, is not set", "ARITMA_IAM_URL", "/v1"]),
        ({"tenant": None}, ["tenant", "token_url", "ARITMA_TENANT", "ARITMA_TOKEN_URL", "default tenant would answer"]),
        ({"tenant": ".."}, ["tenant", "'..'"]),
        ({"api_url": "http://api.example.test"}, ["api_url", "unencrypted", "https://"]),
        ({"token_url": "http://id.example.test/t"}, ["token_url", "unencrypted"]),
        ({"identity_url": "http://id.example.test"}, ["identity_url", "unencrypted"]),
        ({"identity_url": "http://127.0.0.1.example.test"}, ["identity_url", "unencrypted"]),
        ({"api_url": "api.example.test"}, ["api_url: the address is not an absolute"]),
        ({"api_url": "ftp://api.example.test"}, ["api_url: the address is not an absolute"]),
        ({"api_url": "https://api.example.test:99999/"}, ["api_url: the address is not an absolute"]),
        ({"api_url": "https://user:pw-canary@api.example.test/"}, ["api_url: the address is not an absolute"]),
        ({"token_url": "https://id.example.test/token?secret=q-canary"}, ["token_url: the address is not an absolute"]),
        ({"auth_client_id": None, "auth_client_secret": None}, ["No admin credential", "ARITMA_CLIENT_ID"]),
        ({"auth_client_id": None}, ["auth_client_id is not set", "admin credential is incomplete"]),
        ({"auth_client_secret": ""}, ["auth_client_secret is not set", "admin credential is incomplete"]),
        ({"access_token": "two words-canary"}, ["access_token has characters"]),
        ({"access_token": "line-canary\nbreak"}, ["access_token has characters"]),
        ({"request_timeout": 0.0}, ["request_timeout", "more than 0"]),
        ({"request_timeout": float("nan")}, ["request_timeout"]),
        ({"retry_budget": -1.0}, ["retry_budget", "0 or more"]),
        ({"retry_budget": float("inf")}, ["retry_budget"]),
        ({"ca_path": "/does/not/exist"}, ["ca_path", "/does/not/exist", "ARITMA_CA_PATH"]),
    ],
)
def test_an_option_that_cannot_be_used_is_named(changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(OptionError) as caught:
        connection(**changes)
    text = str(caught.value)
    assert all(word in text for word in words), text
    assert "canary" not in text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.8.7", "[::1]", "LOCALHOST:8080"])
def test_http_is_accepted_for_loopback(host: str) -> None:
    assert connection(api_url=f"http://{host}/iam").api_url == f"http://{host}/iam"


def test_a_given_token_needs_no_tenant() -> None:
    given = Connection.from_params({"api_url": GOOD["api_url"], "access_token": "t0k"})
    assert (given.access_token, given.token_url) == ("t0k", "")


def test_an_exchange_needs_neither_api_url_nor_the_admin_credential() -> None:
    assert Connection.for_token_endpoint({"tenant": "acme"}).token_url.endswith("/acme/connect/token")
    with pytest.raises(OptionError, match="default tenant"):
        Connection.for_token_endpoint({"access_token": "t0k"})


def test_the_repr_of_a_connection_shows_no_secret() -> None:
    assert "canary" not in repr(connection())
    assert "canary" not in repr(Connection.from_params({**GOOD, "access_token": "canary"}))


def test_options_fall_back_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for option, variable in ENVIRONMENT.items():
        monkeypatch.setenv(variable, {"bool": "no", "float": "7"}.get(_type(option), "target"))
    validated = ArgumentSpecValidator(CONNECTION.to_kwargs()["argument_spec"]).validate({"tenant": "given"})
    assert validated.error_messages == []
    assert validated.validated_parameters["tenant"] == "given"
    assert validated.validated_parameters["validate_certs"] is False
    assert validated.validated_parameters["request_timeout"] == 7.0
    assert {validated.validated_parameters[name] for name in ENVIRONMENT if _type(name) == "str"} == {"given", "target"}


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ENVIRONMENT.values():
        monkeypatch.setenv(variable, "")
    validated = ArgumentSpecValidator(CONNECTION.to_kwargs()["argument_spec"]).validate({})
    assert validated.error_messages == []
    assert validated.validated_parameters["retry_budget"] == 60.0
    assert validated.validated_parameters["tenant"] is None


def test_each_option_is_documented_with_its_variable() -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert _facts(documented) == _facts(CONNECTION.argument_spec)
    for option, variable in ENVIRONMENT.items():
        assert f"E({variable})" in " ".join(documented[option]["description"])


def test_plugins_document_the_same_options_with_env_ini_and_vars() -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    del documented["run_on"]
    assert yaml.safe_load(ModuleDocFragment.PLUGIN)["options"] == documented
    sources = yaml.safe_load(ModuleDocFragment.PLUGIN_SOURCES)["options"]
    assert sources == {
        option: {
            "env": [{"name": ENVIRONMENT[option]}],
            "ini": [{"section": "aritma_iam", "key": option}],
            "vars": [{"name": f"aritma_iam_{option}"}],
        }
        for option in documented
    }


def test_token_exchange_documents_its_options() -> None:
    assert _facts(yaml.safe_load(token_exchange.DOCUMENTATION)["options"]) == _facts(SPEC.argument_spec)


def _type(option: str) -> str:
    return str(CONNECTION.argument_spec[option]["type"])


def _facts(options: Any) -> dict[str, dict[str, Any]]:
    return {
        name: {fact: option.get(fact) for fact in ("type", "default", "choices")}
        | {"required": option.get("required", False)}
        for name, option in options.items()
    }
