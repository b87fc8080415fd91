# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variable ``service_client_deliveries``: which targets it becomes, and which mistakes in it are refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._spec import proves_itself, read_deliveries

Json = dict[str, Any]
TOKEN = "hvs.CanaryCanaryCanary"
FILE = {"path": "/etc/billing/aritma.env"}
VAULT = {"type": "hashi_vault", "path": "services/billing/aritma"}
SECRET = {"type": "kubernetes_secret", "namespace": "billing", "name": "aritma"}


def names(*deliveries: Json) -> list[str]:
    """The names of their targets."""
    return [each.name for each in read_deliveries(deliveries, "here")]


def test_a_file_is_a_target_on_each_host_and_a_server_is_one_target() -> None:
    """Each target has a name that says which one it is, without secrets."""
    deliveries: list[Json] = [
        {**FILE, "hosts": ["app1", "app2"]},
        {**VAULT, "token": TOKEN, "hosts": "app1, app2"},
        {**SECRET, "rollout": {"name": "web"}},
        {"type": "aws_secretsmanager", "path": "billing/aritma"},
        {"type": "tasks", "file": "deliver.yml"},
    ]
    read = read_deliveries(deliveries, "here")
    assert [(each.name, each.host, each.hosts) for each in read] == [
        ("file /etc/billing/aritma.env on app1", "app1", ("app1", "app2")),
        ("file /etc/billing/aritma.env on app2", "app2", ("app1", "app2")),
        ("hashi_vault services/billing/aritma", None, ("app1", "app2")),
        ("kubernetes_secret billing/aritma", None, ("here",)),
        ("aws_secretsmanager billing/aritma", None, ("here",)),
        ("tasks deliver.yml on here", "here", ("here",)),
    ]
    assert [each.kind for each in read[1:]] == ["file", *(each["type"] for each in deliveries[1:])]
    assert read[0].options == FILE
    assert read[2].options == {"target": {**VAULT, "token": TOKEN}}
    assert read[3].options["target"]["rollout"] == [{"kind": "Deployment", "name": "web"}]
    assert read[5].options == {"file": "deliver.yml"}
    assert TOKEN not in str(read)
    assert read_deliveries([], "here") == []


def test_null_and_blank_count_as_not_given_and_a_text_as_a_list_of_one() -> None:
    """AWX and templates pass options in such forms. Each gets the type of its option."""
    (file,) = read_deliveries(
        [{**FILE, "type": None, "mode": "", "hosts": [None, ""], "notify": "Reload, then wait", "owner": 12}], "here"
    )
    assert (file.options, file.host, file.notify) == ({**FILE, "owner": "12"}, "here", ("Reload, then wait",))
    assert file.reload is None
    (vault,) = read_deliveries([{**VAULT, "url": None, "validate_certs": "no", "members": "client_id,scope"}], "here")
    assert vault.options == {"target": {**VAULT, "validate_certs": False}, "members": ["client_id", "scope"]}
    (renamed,) = read_deliveries([{**FILE, "members": {"id": "client_id"}, "notify": ["a", "b"]}], "here")
    assert (renamed.options, renamed.notify) == ({**FILE, "members": {"id": "client_id"}}, ("a", "b"))


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"service": "billing"}, {"service": "billing", "state": "restarted"}),
        ({"service": "billing", "state": "reloaded", "command": None}, {"service": "billing", "state": "reloaded"}),
        ({"command": "systemctl reload billing"}, {"command": "systemctl reload billing"}),
        ({"command": ["kill", "-HUP", 1]}, {"command": ["kill", "-HUP", "1"]}),
        ({"tasks": "reload.yml"}, {"tasks": "reload.yml"}),
    ],
)
def test_a_reload_is_one_of_three_ways(given: Json, read: Json) -> None:
    """A service, a command, or tasks."""
    (target,) = read_deliveries([{**FILE, "reload": given}], "here")
    assert target.reload == read


def test_places_of_one_name_on_several_servers_are_told_apart() -> None:
    """Their names show what differs, but no password in a URL."""
    there = {**VAULT, "url": "https://user:Canary@vault2.example.com:8200/x"}
    assert names(VAULT, there, {**VAULT, "mount": "kv"}) == [
        "hashi_vault services/billing/aritma (by default)",
        "hashi_vault services/billing/aritma (url https://vault2.example.com:8200)",
        "hashi_vault services/billing/aritma (mount kv)",
    ]


def test_only_pods_that_are_waited_for_prove_a_delivery() -> None:
    """All other deliveries need a probe or a reload."""
    rollout = [{"name": "web"}]
    for delivery, proves in (
        ({**SECRET, "rollout": rollout}, True),
        ({**SECRET, "rollout": rollout, "rollout_timeout": "10"}, True),
        ({**SECRET, "rollout": rollout, "rollout_timeout": "0"}, False),
        ({**SECRET, "rollout": []}, False),
        (SECRET, False),
        (VAULT, False),
        (FILE, False),
    ):
        (target,) = read_deliveries([delivery], "here")
        assert proves_itself(target) is proves, delivery


@pytest.mark.parametrize(
    ("deliveries", "message"),
    [
        ("/etc/file", "a list of deliveries was expected"),
        (FILE, "a list of deliveries was expected"),
        (None, "a list of deliveries was expected"),
        (["/etc/file"], "entry 1: it is not a mapping"),
        ([FILE, {"type": "hashi_vaults", "path": "a"}], "entry 2: there is no type hashi_vaults. Did you mean hashi_v"),
        ([{"type": "pigeon"}], "there is no type pigeon. There are: aws_secretsmanager, file, hashi_vault, kub"),
        ([{**FILE, "Host": "app1"}], "(file /etc/billing/aritma.env): there is no member Host. Did you mean hosts?"),
        ([{**VAULT, "namespce": "x"}], "there is no member namespce. Did you mean namespace?"),
        ([{**FILE, "token": TOKEN}], "there is no member token. There are: env_reader, format, group, "),
        ([{**SECRET, "rollout": [{"nam": "web"}]}], "rollout: there is no member nam. Did you mean name?"),
        (
            [{**SECRET, "rollout": [{"name": "web", "kind": "Deploment"}]}],
            "no kind Deploment. Did you mean Dep",
        ),
        ([{**SECRET, "rollout": [{"kind": "Deployment"}]}], "missing required arguments: name found in rollout"),
        ([{**SECRET, "rollout_timeout": "long"}], "rollout_timeout"),
        ([{"format": "env"}], "entry 1 (file): missing required arguments: path"),
        ([{"type": "tasks"}], "entry 1 (tasks): missing required arguments: file"),
        ([{**SECRET, "namespace": None}], "(kubernetes_secret aritma): missing required arguments: namespace"),
        ([{"type": "aws_secretsmanager", "path": " "}], "missing required arguments: path"),
        ([{"path": "etc/file"}], "path etc/file is not the absolute path of a file"),
        ([{"path": "/etc/"}], "is not the absolute path of a file"),
        ([{**FILE, "format": "envv"}], "there is no format envv. Did you mean env?"),
        ([{**FILE, "format": "template"}], "template and format: template need each other"),
        ([{**FILE, "template": "a.j2"}], "template and format: template need each other"),
        ([{**FILE, "format": "json", "env_reader": "docker"}], "env_reader needs format: env"),
        ([{**FILE, "env_reader": "fish"}], "there is no env_reader fish. There are: docker, dotenv, shell, systemd"),
        ([{**FILE, "mode": 640}], "mode: 640 is not a file mode"),
        ([{**FILE, "members": []}], "members is empty"),
        ([{**FILE, "members": {}}], "members is empty"),
        ([{**FILE, "members": 7}], "members is neither a list"),
        ([{**FILE, "format": "value", "members": ["client_id", "scope"]}], "format: value delivers one member"),
        ([{"type": "tasks", "file": "a.yml", "members": ["client_id"]}], "gets the whole credential"),
        ([{**FILE, "hosts": {"app1": None}}], "hosts is not a list of names"),
        ([{**FILE, "notify": [["a"]]}], "notify is not a list of names"),
        ([{**FILE, "reload": "billing"}], "reload: members were expected, such as service and command"),
        ([{**FILE, "reload": {"servce": "billing"}}], "reload: there is no member servce. Did you mean service?"),
        (
            [{**FILE, "reload": {"service": "a", "command": "b"}}],
            "reload needs one of service, command, tasks, but has",
        ),
        ([{**FILE, "reload": {"state": "restarted"}}], "reload needs one of service, command, tasks, but has none"),
        ([{**FILE, "reload": {"command": "a", "state": "restarted"}}], "reload: state needs service"),
        (
            [{**FILE, "reload": {"service": "a", "state": "restart"}}],
            "there is no state restart. Did you mean restarted",
        ),
        ([{**FILE, "reload": {"service": ["a", "b"]}}], "reload, service: text was expected"),
        ([{**FILE, "hosts": ["app1", "app1"]}], "hosts has app1 twice"),
        ([FILE, {"path": "/etc//billing/./aritma.env"}], "file /etc/billing/aritma.env on here is there twice"),
        ([FILE, {**FILE, "hosts": ["app1", "here"]}], "file /etc/billing/aritma.env on here is there twice"),
        ([VAULT, {**VAULT, "members": ["client_id"], "path": "/services/billing/aritma"}], "is there twice"),
        ([{"type": "tasks", "file": "a.yml"}] * 2, "tasks a.yml on here is there twice"),
    ],
)
def test_mistakes_are_named_by_position(deliveries: Any, message: str) -> None:
    """The message says what was probably meant, and shows no secret."""
    with pytest.raises(OptionError) as caught:
        read_deliveries(deliveries, "here")
    assert message in str(caught.value)
    assert str(caught.value).startswith("service_client_deliveries")
    assert TOKEN not in str(caught.value)
