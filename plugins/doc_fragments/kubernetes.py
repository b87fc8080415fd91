# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of Kubernetes, for deliveries."""

from __future__ import annotations


class ModuleDocFragment:
    """The Secret, the workloads that read it, and the cluster."""

    DOCUMENTATION = r"""
options:
  namespace: {description: "The namespace of the Secret. It is required.", type: str}
  name: {description: "The name of the Secret. It is required.", type: str}
  labels: {description: Labels of the Secret. Other labels are kept., type: dict}
  rollout:
    description:
      - Workloads in the same namespace that read the Secret. Their pods get the annotation
        C(aritma.iam/rotation-id.CLIENT_ID), so the cluster replaces them when the credential changes.
      - A workload that would keep old pods (paused, C(OnDelete), a partition) is refused, unless O(rollout_timeout=0).
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
    description: How many seconds each workload may take to roll out. The default is V(300). V(0) means not to wait.
    type: int
  kubeconfig:
    description: A kubeconfig on the controller. The default is E(KUBECONFIG), then C(~/.kube/config), then the service
      account of the pod that Ansible runs in. The proxy is the C(proxy-url) in this file, or that of E(HTTPS_PROXY)
      and E(NO_PROXY).
    type: str
  context: {description: The context of the kubeconfig., type: str}"""
