# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The handlers, by operation id."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.responses import Response

from simulator.call import Call
from simulator.routes import catalog, clients, groups, policies, secrets, subjects, token

Handler = Callable[[Call], Response]

HANDLERS: Mapping[str, Handler] = {
    "listClients": clients.list_clients,
    "createClient": clients.create_client,
    "getClient": clients.get_client,
    "updateClient": clients.update_client,
    "deleteClient": clients.delete_client,
    "listClientSecrets": secrets.list_secrets,
    "createClientSecret": secrets.create_secret,
    "deleteClientSecret": secrets.delete_secret,
    "listSubjects": subjects.list_subjects,
    "listClientSubjects": subjects.list_client_subjects,
    "listUserSubjects": subjects.list_user_subjects,
    "listUsers": subjects.list_users,
    "getClientPermissions": subjects.client_permissions,
    "getSubjectPermissions": subjects.subject_permissions,
    "getSubjectMemberships": groups.memberships,
    "listGroups": groups.list_groups,
    "createGroup": groups.create_group,
    "deleteGroup": groups.delete_group,
    "getGroupPermissions": groups.group_permissions,
    "listGroupMembers": groups.list_members,
    "addGroupMembers": groups.add_members,
    "removeGroupMembers": groups.remove_members,
    "listPolicies": policies.list_policies,
    "createPolicy": policies.create_policy,
    "deletePolicy": policies.delete_policy,
    "listScopes": catalog.list_scopes,
    "listActions": catalog.list_actions,
    "getMe": catalog.get_me,
    "listMyClaims": catalog.list_claims,
    "tokenForTenant": token.exchange,
    "tokenDefaultTenant": token.exchange,
    "discovery": token.discovery,
    "jwks": token.jwks,
}
