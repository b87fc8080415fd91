#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what a rotation does next, and keeps the record of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation
short_description: Decide the next step of a secret rotation, and keep its record
version_added: 0.2.0
description:
  - Decides the steps of a rotation, and writes the record in the credential store. It writes nothing to the IAM API.
    The role P(aritma.iam.service_client#role) shows how its states work together with M(aritma.iam.client_secret),
    M(aritma.iam.token_exchange) and the deliveries.
  - Each step requires the evidence of the steps before it, which is the registered results of their tasks. So nothing
    is deleted if a play continues after a failure.
  - An option that is not given takes the value of the variable of the role, such as C(service_client_store) for
    O(store). The role gives only O(state).
  - V(checked) verifies everything that later steps need, before anything is created.
  - V(begun) lists the secrets, reads the record, exchanges the stored secrets for tokens, and decides. It writes the
    next secret ahead, or takes the lease on the record.
  - V(promoted) makes the pending secret the current one. It requires the result of its exchange.
  - V(delivered) stores the evidence of deliveries, reloads and probes.
  - V(guarded) stores this evidence, too. Then it lists the secrets, reads the record back, exchanges the stored
    secrets, and returns the ids that may be deleted.
  - V(closed) removes finished secrets from the record, ends the lease, and reports the outcome.
  - V(abandoned) is for a C(rescue) section. If a consumer was not proven to use the new secret, it points the record
    back to the previous one. Otherwise it ends the lease. It does not fail.
  - V(reported) fails with the outcome of a failed run.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.store
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is written. V(begun) decides as in a real run, but returns no secret to create.
  diff_mode:
    support: none
    details:
      - RV(rotation.plan) shows what is done.
  idempotent:
    support: full
    details:
      - V(begun) continues where an earlier run stopped.
  platform:
    platforms: posix
options:
  state:
    description: The step to take.
    type: str
    choices: [checked, begun, promoted, delivered, guarded, closed, abandoned, reported]
    required: true
  client_id:
    description: The OAuth client id. By default the client is found by the record or by its name.
    type: str
  client_name:
    description: The name of the client. A record with another name is refused.
    type: str
    required: true
  scope:
    description: The scope for which secrets are exchanged. The default is the first one in O(allowed_scopes).
    type: str
  allowed_scopes:
    description: The scopes that the client may request.
    type: list
    elements: str
    default: []
  auth_method:
    description: How the client authenticates at the token endpoint.
    type: str
    choices: [post, basic]
    default: post
  client:
    description: For V(checked), the wanted client. It is returned with its defaults.
    type: dict
    default: {}
    suboptions:
      state:
        description: V(absent) revokes the client.
        type: str
        choices: [present, absent]
        default: present
      description:
        description: The description of the client.
        type: str
      allowed_grant_types:
        description: The OAuth grants that the client may use.
        type: list
        elements: str
      redirect_uris:
        description: The redirect URIs of the client.
        type: list
        elements: str
      policies:
        description: The policies of the client.
        type: list
        elements: dict
        default: []
        suboptions:
          action:
            description: The action, a dotted name.
            type: str
            required: true
          scope:
            description: The URI of the resource.
            type: str
            required: true
      policies_mode:
        description: V(exact) withdraws other policies.
        type: str
        choices: [merge, exact]
        default: merge
      groups:
        description: The names of the groups of the client.
        type: list
        elements: str
        default: []
      groups_mode:
        description: V(exact) ends other memberships.
        type: str
        choices: [merge, exact]
        default: merge
      create_groups:
        description: Whether to create missing groups.
        type: bool
        default: false
  known_secret:
    description:
      - The value of the only secret of a client without a record. It is adopted if it is accepted and only one secret
        is listed. A refused value is an error.
    type: str
  deliveries:
    description: The deliveries, as in the variable C(service_client_deliveries) of the role.
    type: raw # list of dict
    default: []
  probe:
    description: The probe, as in the variable C(service_client_probe) of the role.
    type: raw # dict
    default: {}
  settings:
    description: The limits of the rotation.
    type: dict
    default: {}
    suboptions:
      due:
        description: Whether a new rotation may begin. V(false) only finishes what was begun.
        type: bool
        default: true
      force:
        description: Whether to rotate even if the secret is not due.
        type: bool
        default: false
      hold:
        description: Whether to stop every deletion.
        type: bool
        default: false
      recover:
        description: Whether to add a new secret if the stored one is refused or there is no record.
        type: bool
        default: false
      compromised:
        description: Whether to replace and delete all known secrets, without grace.
        type: bool
        default: false
      rotate_after:
        description: The age at which a secret is due, such as V(60d), or V(never) for no limit.
        type: str
        default: 60d
      expiry_margin:
        description: How long before its expiration a secret is due.
        type: str
        default: 14d
      secret_lifetime:
        description: The lifetime of a new secret, such as V(120d). By default it never expires.
        type: str
      grace:
        description:
          - How long the previous secret stays after the delivery of the new one.
          - V(auto) means no grace if every target is proven by a probe or a reload, and 24 hours otherwise. V(0s) means
            no grace.
        type: str
        default: auto
      pending_patience:
        description: How long a listed pending secret may be refused at the token endpoint before it is given up.
        type: str
        default: 1h
      window:
        description:
          - When a rotation may begin, such as V(Mon-Fri 09:00-15:00 Europe/Oslo). Outside this time, runs only finish
            what was begun.
          - Days and times may wrap (V(Fri-Mon), V(22:00-04:00)). The default is every day, and the zone UTC.
        type: list
        elements: str
        default: []
      retire_ids:
        description: Ids of secrets to delete that were created elsewhere.
        type: list
        elements: str
        default: []
      proof_successes:
        description: The number of exchanges in a row that prove a new secret.
        type: int
        default: 5
      proof_deadline:
        description: Seconds within which a new secret must be accepted. They are added to O(settings.lease).
        type: float
        default: 60.0
      retire_deadline:
        description: Seconds within which a deleted secret must be refused. They are added to O(settings.lease).
        type: float
        default: 60.0
      probe_first:
        description: Whether to probe the service before the rotation, too. The secret of a broken service is not
          rotated.
        type: bool
        default: true
      lease:
        description: The time after which other runs take over from a run that has gone silent.
        type: str
        default: 15m
      wait:
        description: How long to wait for another run on this client. If that takes longer, the task fails.
        type: str
        default: 0s
  plan:
    description: The value RV(rotation.plan) of the step before.
    type: dict
    default: {}
  evidence:
    description:
      - The registered results of earlier tasks. These are results of M(aritma.iam.token_exchange),
        M(aritma.iam.client_secret), deliveries, reloads, probes and your own tasks. The last four come from loops over
        the lists in RV(rotation).
      - A result that failed, was skipped or unreachable, or belongs to another secret proves nothing.
    type: list
    elements: raw
    default: []
  failure:
    description: For O(state=abandoned), the result of the failed task. The default is C(ansible_failed_result).
    type: dict
    default: {}
  report:
    description:
      - The report file on the controller, to which the entry of the client is added. It is JSON, or an HTML page if the
        name ends in C(.html).
    type: path
seealso:
  - module: aritma.iam.client_secret
  - module: aritma.iam.credential_store
  - module: aritma.iam.token_exchange
"""

EXAMPLES = r"""
- name: Predict what a rotation would do now
  aritma.iam.rotation:
    state: begun
    client_name: billing
    store: {type: file, path: /var/lib/aritma-iam/billing.json}
    scope: services.banking
    settings: {rotate_after: 60d}
  check_mode: true
  register: begun

- name: Show the decision
  ansible.builtin.debug:
    msg: "{{ begun.rotation.plan.state }}: {{ begun.rotation.plan.reason }}"
"""

RETURN = r"""
rotation:
  description:
    - The data for the following tasks. It contains secrets until V(closed), so the output is censored, but a registered
      result can be used.
  returned: success
  type: dict
  contains:
    client_id: {description: The OAuth client id., type: str}
    scope: {description: The scope for which secrets are exchanged., type: str}
    token_url: {description: The token endpoint., type: str}
    client: {description: "O(client) with its defaults, and O(allowed_scopes).", returned: V(checked), type: dict}
    plan:
      description: The decision and its reason. Use it as O(plan) of the next step. It contains no secret.
      type: dict
      contains:
        state:
          description:
            - V(unchanged), V(waiting) or V(rotate). The outcome can also be V(rotated), V(rolled_back),
              V(retire_unconfirmed), V(failed) or V(would rotate).
          type: str
        reason: {description: The reason., type: str}
        left: {description: Ids of listed secrets that were created elsewhere., type: list, elements: str}
    again: {description: Whether another round follows., type: bool}
    next:
      description:
        - The secret to create, with C(value), C(rotation_id), C(description) and C(expires_at). C(new) is true if this
          run wrote it ahead, so it cannot be listed yet.
      type: dict
    credential: {description: The credential to deliver., type: dict}
    generation:
      description: The number of the current secret. It rises whenever another one becomes current.
      type: int
    lineage: {description: The lineage of the secret., type: str}
    not_after: {description: The end of the lease. Nothing is written after it., type: str}
    deliver: {description: "Whether this round writes targets, and does not only compare them.", type: bool}
    files:
      description: Files to deliver, with C(options) of M(aritma.iam.credential_file), C(target), C(host), and C(look)
        to only compare.
      type: list
      elements: dict
    servers: {description: "Servers to write, with C(target), and C(look) to only compare.", type: list, elements: dict}
    server_options:
      description: Options of M(aritma.iam.credential_delivery), by the name of the target.
      type: dict
    own: {description: Deliveries by your own tasks., type: list, elements: dict}
    notify: {description: Handlers to notify., type: list, elements: dict}
    services: {description: Reloads through the state of a service., type: list, elements: dict}
    commands: {description: Reloads with a command., type: list, elements: dict}
    reloads: {description: Reloads by your own tasks., type: list, elements: dict}
    more: {description: Whether there is more to do than to write files., type: bool}
    probes: {description: Probes to run., type: list, elements: dict}
    limits: {description: "The settings for the tasks between the steps, and C(auth_method).", type: dict}
    retire: {description: Whether this round may delete a secret., type: bool}
    delete: {description: Ids that may be deleted now., type: list, elements: str}
    dead: {description: "The secrets that must be refused afterwards, by rotation id.", type: dict}
    entry:
      description:
        - The entry of the client in the report, with C(client_name), C(client_id), C(state), C(reason), C(at),
          C(rotation_id), C(previous_rotation_id), C(deliveries) (how each was proven), C(seconds) and C(left).
      returned: V(closed), and V(abandoned) if nothing follows
      type: dict
calls:
  description: The number of requests made, by endpoint.
  returned: always
  type: dict
  sample: {iam: 1, token: 1}
"""
