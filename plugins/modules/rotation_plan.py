#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides the next steps of a rotation."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_plan
short_description: Decide the next steps of a secret rotation
version_added: 0.1.0
description:
  - Looks at one client (lists its secrets, reads its record in the credential store, exchanges what the record holds,
    in this order, which is the safe one), decides what a rotation has to do next, and says why in words.
  - It changes nothing. The role P(aritma.iam.service_client#role) takes the steps.
  - It fails (with C(failure.kind=blocked)) wherever going on would be a guess.
author:
  - the aritma.iam contributors (@aritma-iam)
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
    details: It never changes anything.
  diff_mode:
    support: none
    details: There is nothing that could differ.
options:
  phase:
    description:
      - V(check) asks the server nothing. It makes sure, before anything is changed, that the options make sense and
        that the store can be written.
      - V(start) plans a run from its beginning, whatever an earlier run left behind.
      - V(restore) plans a roll-back, to the previous secret of the record.
      - V(retire) decides whether the previous secret may be deleted now.
    type: str
    choices: [check, start, restore, retire]
    default: start
  client_id:
    description:
      - The OAuth client id. A record of another client is an error.
      - Without it, the store says whose record it holds (if it has a C(path)), or the server who has the name.
    type: str
  client_name:
    description: The name of the client. A record that names another client is an error.
    type: str
  store:
    description: The credential store; the members are those of O(aritma.iam.credential_store#module:store).
    type: dict
    required: true
  scope:
    description: The scope that secrets are exchanged for. By default the first of O(allowed_scopes).
    type: str
  allowed_scopes:
    description: The scopes that the client may request. In the phase V(check) O(scope) has to be one of them.
    type: list
    elements: str
    default: []
  auth_method:
    description: How the client authenticates at the token endpoint.
    type: str
    choices: [post, basic]
    default: post
  known_secret:
    description: The value of the one secret of a client without a record, to be adopted if it is accepted.
    type: str
  proven_rotation_id:
    description: The rotation id that every consumer was proven to use, or that none needs to be proven to use.
    type: str
  due:
    description: Whether a new rotation may begin. With V(false) only an interrupted one is finished.
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
    description: Add a new secret although the stored one is refused, as after a restore of the store from a backup.
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
  pending_patience:
    description: How long a listed secret may be refused at the token endpoint before it is given up.
    type: str
    default: 1h
  secret_lifetime:
    description: The lifetime of a new secret, such as V(120d). Without it the secret never expires.
    type: str
  retire_ids:
    description: Ids of secrets made by others that are to be deleted once the current value was accepted.
    type: list
    elements: str
    default: []
  list_deadline:
    description:
      - Seconds to wait until a list shows the previous secret, where its id is not known otherwise. Lists may lag.
      - With O(due=false) also the seconds to wait for a client that is not found, since it may just have been made.
    type: float
    default: 10.0
  accept_deadline:
    description:
      - In the phases V(restore) and V(retire), seconds to wait until the current secret is accepted, which was proven
        before. Where several servers answer, some may know it a little later than others.
    type: float
    default: 10.0
  proof_deadline:
    description:
      - The seconds that a run gives a new secret to be accepted. RV(plan.room_in) is no longer than that.
    type: float
    default: 60.0
seealso:
  - module: aritma.iam.client_secret
  - module: aritma.iam.credential_store
  - module: aritma.iam.token_exchange
"""

EXAMPLES = r"""
- name: See what a rotation would do now
  aritma.iam.rotation_plan:
    client_name: billing
    store: {type: file, path: /var/lib/aritma/billing.json}
    scope: services.banking
    rotate_after: 60d
  register: decided

- name: Show the decision
  ansible.builtin.debug:
    msg: "{{ decided.plan.reason }}"
"""

RETURN = r"""
plan:
  description: The decision.
  returned: success, not in phase V(check)
  type: dict
  contains:
    state:
      description:
        - In the phases V(start) and V(restore) one of V(unchanged), V(waiting), V(blocked) and V(rotate).
        - In phase V(retire) one of V(retire), V(waiting), V(blocked) and V(done).
      type: str
      sample: rotate
    reason:
      description: Why, in words.
      type: str
      sample: "due: 61d old, limit 60d"
    steps:
      description: The steps to take, in their order.
      returned: phases V(start) and V(restore)
      type: list
      elements: str
      sample: [stage, create, prove, promote, deliver, probe]
    sweep:
      description: Ids of leftovers of ours, and of secrets named in O(retire_ids), which may be deleted first.
      returned: phases V(start) and V(restore)
      type: list
      elements: str
      sample: []
    left:
      description: Ids of secrets made by others. They are left alone.
      returned: phases V(start) and V(restore)
      type: list
      elements: str
      sample: ["7"]
    secret_id:
      description: The listed id of the pending secret, where there is one.
      returned: phases V(start) and V(restore)
      type: str
      sample: "12"
    rotation_id:
      description: A rotation id for the next secret.
      returned: phases V(start) and V(restore)
      type: str
      sample: 3f9a2c-20261124T100000Z-0a7c55
    description:
      description: The description under which the next secret is to be created.
      returned: phases V(start) and V(restore)
      type: str
      sample: aritma.iam rotation 3f9a2c-20261124T100000Z-0a7c55
    expires_at:
      description: When the next secret would expire.
      returned: phases V(start) and V(restore)
      type: str
      sample: "2027-03-24T10:00:00Z"
    listed_before:
      description: The ids that were listed, where a new secret can be told from them by its absence only.
      returned: phases V(start) and V(restore), where it matters
      type: list
      elements: str
    restores:
      description: The rotation id of the secret whose value is added again.
      returned: phases V(start) and V(restore)
      type: str
    procedure:
      description:
        - Which row of tasks of the role takes the steps. In check mode V(predict) stands for those that make a secret.
      returned: phases V(start) and V(restore)
      type: str
      sample: finish
    preliminaries:
      description: Whether something is to be done before that, such as a sweep.
      returned: phases V(start) and V(restore)
      type: bool
      sample: false
    room_in:
      description:
        - Seconds to wait before the old id of a value that is added again may go, since the new one cannot be proven
          before that. It is the time in which the secret that failed came to be accepted.
        - It is 0 where no room is to be made.
      returned: phases V(start) and V(restore)
      type: int
      sample: 0
    delete:
      description: The id of the one secret to delete; null when it is gone already.
      returned: phase V(retire)
      type: str
      sample: "9"
    current_id:
      description: The listed id of the current secret.
      returned: phase V(retire)
      type: str
      sample: "12"
    descriptions_shown:
      description: Whether the listed secrets carry descriptions.
      type: bool
      sample: true
client_id:
  description: The OAuth client id that was looked at. In phase V(check) null where only the server could tell it.
  returned: success
  type: str
  sample: c1
secrets:
  description: The listed secrets, never a value.
  returned: success, not in phase V(check)
  type: list
  elements: dict
  contains:
    secret_id:
      description: The id of the secret.
      type: str
    description:
      description: Its description; null where the server shows none.
      type: str
version:
  description: The version of the record; 0 when there is none.
  returned: success, not in phase V(check)
  type: int
  sample: 7
scope:
  description: The scope that secrets are exchanged for.
  returned: success, not in phase V(check)
  type: str
  sample: services.banking
token_url:
  description: The token endpoint.
  returned: success, not in phase V(check)
  type: str
  sample: https://id.aritma.io/my-tenant/connect/token
current:
  description: The rotation id and the secret id of the current secret.
  returned: success, not in phase V(check)
  type: dict
previous:
  description: The rotation id and the secret id of the previous secret.
  returned: success, not in phase V(check)
  type: dict
calls:
  description: The number of requests made, by endpoint.
  returned: not in phase V(check)
  type: dict
  sample: {iam: 1, token: 1}
"""
