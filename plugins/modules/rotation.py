#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what a rotation does next, and keeps the record of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation
short_description: Decide what the rotation of a client's secret does next, and keep its record
version_added: 0.2.0
description:
  - The steps of a rotation that decide, and every write of the record in the credential store. It writes nothing to the
    IAM API. The role P(aritma.iam.service_client#role) shows how its states go together with
    M(aritma.iam.client_secret), M(aritma.iam.token_exchange) and the deliveries.
  - Each step is given the evidence of the steps before it, which is the registered results of their tasks, and refuses
    to run without it. So nothing is deleted when a play continues after a failure.
  - An option that is not given takes the value of the role's variable, such as C(service_client_store) for O(store).
    The role gives only O(state).
  - V(checked) verifies everything that later steps need, before anything is created.
  - V(begun) lists the secrets, reads the record, exchanges what it holds for tokens, and decides. It writes the next
    secret ahead, or takes the lease on the record.
  - V(promoted) makes the secret that was written ahead the current one. It needs the result of its exchange.
  - V(delivered) keeps the evidence of deliveries, reloads and probes.
  - V(guarded) does so too, lists, reads the record back, exchanges what it holds, and says which ids may go.
  - V(closed) clears what is finished, ends the lease, and reports the outcome.
  - V(abandoned) is for a C(rescue) section. It points the record back to the previous secret where a consumer was not
    proven to use the new one, and ends the lease otherwise. It does not fail.
  - V(reported) fails with the outcome of a run that failed.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.store
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is written. V(begun) decides as in a real run and returns no secret to create.
  diff_mode:
    support: none
    details:
      - RV(rotation.plan) says what is done.
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
    description: The OAuth client id. Without it the client is found by the record or by its name.
    type: str
  client_name:
    description: The name of the client. A record of another name is refused.
    type: str
    required: true
  scope:
    description: The scope that secrets are exchanged for. The first one out of O(allowed_scopes) by default.
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
    description: What the client is to be, for V(checked), which returns it with its defaults.
    type: dict
    default: {}
    suboptions:
      state:
        description: V(absent) where it is to be revoked.
        type: str
        choices: [present, absent]
        default: present
      description:
        description: The description of the client.
        type: str
      allowed_grant_types:
        description: The OAuth grants that it may use.
        type: list
        elements: str
      redirect_uris:
        description: Its redirect URIs.
        type: list
        elements: str
      policies:
        description: What it may do.
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
        description: Names of groups that it is a member of.
        type: list
        elements: str
        default: []
      groups_mode:
        description: V(exact) ends other memberships.
        type: str
        choices: [merge, exact]
        default: merge
      create_groups:
        description: Whether a group that does not exist is created.
        type: bool
        default: false
  known_secret:
    description:
      - The value of the one secret of a client without a record. It is adopted when it is accepted and one secret is
        listed. One that is refused is an error.
    type: str
  deliveries:
    description: The deliveries, as in the variable C(service_client_deliveries) of the role.
    type: list
    elements: dict
    default: []
  probe:
    description: The probe, as in the variable C(service_client_probe) of the role.
    type: dict
    default: {}
  settings:
    description: The limits of the rotation.
    type: dict
    default: {}
    suboptions:
      due:
        description: Whether a new rotation may begin. With V(false) only what was begun is finished.
        type: bool
        default: true
      force:
        description: Rotate although it is not due.
        type: bool
        default: false
      hold:
        description: Delete nothing.
        type: bool
        default: false
      recover:
        description: Add a new secret although the stored one is refused, or no record is there.
        type: bool
        default: false
      compromised:
        description: Replace and delete everything that is known, without grace.
        type: bool
        default: false
      rotate_after:
        description: The age at which a secret is due, such as V(60d); V(never) for no limit.
        type: str
        default: 60d
      expiry_margin:
        description: How long before its expiration a secret is due.
        type: str
        default: 14d
      secret_lifetime:
        description: The lifetime of a new secret, such as V(120d). Without it the secret never expires.
        type: str
      grace:
        description:
          - How long the previous secret stays after the delivery of the new one. With V(auto) not at all where every
            target is proven by a probe or a reload, and 24 hours where one is not. V(0s) means no
            grace in any case.
        type: str
        default: auto
      pending_patience:
        description: How long a listed secret may be refused at the token endpoint before it is given up.
        type: str
        default: 1h
      window:
        description:
          - When a rotation may begin, such as V(Mon-Fri 09:00-15:00 Europe/Oslo). Outside it only what was begun is
            finished.
          - Days and times may wrap (V(Fri-Mon), V(22:00-04:00)); without days it is every day, without a zone UTC.
        type: list
        elements: str
        default: []
      retire_ids:
        description: Ids of secrets made by others that are to be deleted.
        type: list
        elements: str
        default: []
      proof_successes:
        description: How many exchanges in a row prove a new secret.
        type: int
        default: 5
      proof_deadline:
        description: Seconds that a new secret has to be accepted. They are added to O(settings.lease).
        type: float
        default: 60.0
      retire_deadline:
        description: Seconds that a deleted secret has to be refused. They are added to O(settings.lease).
        type: float
        default: 60.0
      probe_first:
        description: Whether the service is probed before its secret is replaced. One that is broken is not rotated.
        type: bool
        default: true
      lease:
        description: How long other runs respect a run that has gone silent.
        type: str
        default: 15m
      wait:
        description: How long to wait for another run that is at work on this client. It fails where that takes longer.
        type: str
        default: 0s
  plan:
    description: RV(rotation.plan) of the step before.
    type: dict
    default: {}
  evidence:
    description:
      - Registered results of the tasks before this one. Results of M(aritma.iam.token_exchange) and
        M(aritma.iam.client_secret); and of deliveries, reloads, probes and own tasks, each made in a loop over one of
        the lists in RV(rotation).
      - A result that failed, was skipped or unreachable, or belongs to another secret proves nothing.
    type: list
    elements: raw
    default: []
  failure:
    description: The result of the task that failed, for O(state=abandoned). C(ansible_failed_result) by default.
    type: dict
    default: {}
  report:
    description:
      - A file on the controller in which the client has its entry. It is JSON, or a page for people where the name ends
        in C(.html).
    type: path
seealso:
  - module: aritma.iam.client_secret
  - module: aritma.iam.credential_store
  - module: aritma.iam.token_exchange
"""

EXAMPLES = r"""
- name: See what a rotation would do now
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
    - What the tasks that follow need. It holds secrets until V(closed), so that the output is censored while a
      registered result stays usable.
  returned: success
  type: dict
  contains:
    client_id: {description: The OAuth client id., type: str}
    scope: {description: The scope that secrets are exchanged for., type: str}
    token_url: {description: The token endpoint., type: str}
    client: {description: "The O(client) with its defaults, and O(allowed_scopes).", returned: V(checked), type: dict}
    plan:
      description: What is done, and why; the option O(plan) of the next step. It holds no secret.
      type: dict
      contains:
        state:
          description:
            - V(unchanged), V(waiting) or V(rotate); as an outcome also V(rotated), V(rolled_back),
              V(retire_unconfirmed), V(failed) or V(would rotate).
          type: str
        reason: {description: "The reason, in words.", type: str}
        left: {description: Ids of listed secrets that were made by others., type: list, elements: str}
    again: {description: "Whether a second round follows, now that nothing is left of earlier runs.", type: bool}
    next:
      description:
        - The secret to create, with C(value), C(rotation_id), C(description), C(expires_at), and C(new), which says
          that it was written ahead just now and cannot be listed yet.
      type: dict
    credential: {description: What is delivered., type: dict}
    generation:
      description: The number of the current secret. It rises whenever another one becomes current.
      type: int
    lineage: {description: What the generation counts in., type: str}
    not_after: {description: The end of the lease. Nothing is written after it., type: str}
    deliver: {description: "Whether targets are written in this round, and not only looked at.", type: bool}
    files:
      description: C(options) of M(aritma.iam.credential_file), C(target), C(host), and C(look) to only look at it.
      type: list
      elements: dict
    servers: {description: "C(target), the name of each, and C(look) to only look at it.", type: list, elements: dict}
    server_options:
      description: Options of M(aritma.iam.credential_delivery), by the name of the target.
      type: dict
    own: {description: Deliveries by own tasks., type: list, elements: dict}
    notify: {description: Handlers to notify., type: list, elements: dict}
    services: {description: Reloads by the state of a service., type: list, elements: dict}
    commands: {description: Reloads by a command., type: list, elements: dict}
    reloads: {description: Reloads by own tasks., type: list, elements: dict}
    more: {description: Whether there is anything to do beside writing files., type: bool}
    probes: {description: Probes to run., type: list, elements: dict}
    limits: {description: "The settings that the tasks between the steps need, and C(auth_method).", type: dict}
    retire: {description: Whether it may come to a deletion in this round., type: bool}
    delete: {description: Ids that may be deleted now., type: list, elements: str}
    dead: {description: "The secrets that are to be refused after that, by rotation id.", type: dict}
    entry:
      description:
        - The entry of the client in the report, with C(client_name), C(client_id), C(state), C(reason), C(at),
          C(rotation_id), C(previous_rotation_id), C(deliveries) (how each was proven), C(seconds) and C(left).
      returned: V(closed), and V(abandoned) where nothing follows
      type: dict
calls:
  description: The number of requests made, by endpoint.
  returned: always
  type: dict
  sample: {iam: 1, token: 1}
"""
