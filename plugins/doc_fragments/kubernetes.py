# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of Kubernetes, wherever something is kept there."""

from __future__ import annotations


class ModuleDocFragment:
    """A Secret, what reads it, and how to reach the cluster."""

    DOCUMENTATION = r"""
options:
  namespace: {description: "The namespace of the Secret, which is required.", type: str}
  name: {description: "The name of the Secret, which is required.", type: str}
  labels: {description: Labels of the Secret. Others are left as they are., type: dict}
  rollout:
    description:
      - Workloads in the same namespace that read the Secret. Their pods get the annotation
        C(aritma.iam/rotation-id.CLIENT_ID), so that the cluster replaces them when the credential is a new one.
      - One that would keep old pods (paused, C(OnDelete), a partition) is refused, unless O(rollout_timeout=0).
    type: list
    elements: dict
    suboptions:
      kind:
        description: The kind of the workload.
        type: str
        choices: [Deployment, StatefulSet, DaemonSet]
        default: Deployment
      name: {description: The name of the workload., type: str, required: true}
  rollout_timeout:
    description: How many seconds each workload may take to roll out, V(300) by default. V(0) is for not waiting.
    type: int
  kubeconfig:
    description: A kubeconfig of the controller. Without it E(KUBECONFIG), then C(~/.kube/config), then the service
      account of the pod that Ansible runs in is used. The proxy is its C(proxy-url), else that of E(HTTPS_PROXY) and
      E(NO_PROXY).
    type: str
  context: {description: The context of the kubeconfig., type: str}"""
