// SPDX-License-Identifier: Apache-2.0
//
// Which container and which Kubernetes pod this process runs in, from what /proc shows of its cgroups
// and mounts: docker, containerd, CRI-O, podman and ECS, cgroup v1 and v2, with and without a cgroup
// namespace. What they do not show is left empty rather than guessed.
// Pure functions of the texts; any thread but no signal handler (they allocate).
#pragma once

#include <string>
#include <string_view>

namespace otprof::agent {

struct Container {
  std::string id;       // as the runtime's tools show it in full, usually 64 hex digits
  std::string pod_uid;  // with dashes
  std::string name;     // in the pod's specification
};

// `cgroup`: /proc/self/cgroup; `mountinfo`: /proc/self/mountinfo.
Container find_container(std::string_view cgroup, std::string_view mountinfo);

}  // namespace otprof::agent
