// SPDX-License-Identifier: Apache-2.0
//
// Containers and pods, told from texts as /proc shows them under each runtime and cgroup version.
#include "agent/container.h"

#include <catch2/catch.hpp>

namespace otprof::agent {
namespace {

constexpr const char* kId = "4c5ad1b9f8bd1bf60d7d5a5c2d29a02bd8b3a7a43f3ef2f1b0d8c2a3f4e5d6c7";
constexpr const char* kSandbox = "ffffffff0000000011111111222222223333333344444444555555556666666a";
constexpr const char* kPod = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";

std::string with_ids(std::string text) {
  for (const auto& [mark, id] :
       {std::pair{"ID", kId}, std::pair{"SANDBOX", kSandbox}, std::pair{"POD", kPod},
        std::pair{"UNDERSCORED", "0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9"}}) {
    const std::string wanted = std::string("{") + mark + "}";
    for (std::size_t at; (at = text.find(wanted)) != std::string::npos;) {
      text.replace(at, wanted.size(), id);
    }
  }
  return text;
}

Container find(const char* cgroup, const char* mountinfo = "") {
  return find_container(with_ids(cgroup), with_ids(mountinfo));
}

// The file systems every process sees, none of which says anything.
constexpr const char* kPlainMounts =
    "22 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw\n"
    "28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
    "30 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec shared:9 - cgroup2 cgroup2 rw\n"
    "401 28 8:1 /var/lib/docker/containers /mnt/containers rw - ext4 /dev/sda1 rw\n";

TEST_CASE("a process of the host is in no container") {
  constexpr const char* kVersion1 =
      "12:devices:/user.slice\n11:pids:/user.slice/user-0.slice/session-3.scope\n1:name=systemd:/"
      "\n";
  constexpr const char* kDesktop =
      "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-0a1b2c3d.scope\n";
  for (const char* cgroup : {"", "0::/\n", "0::/system.slice/postgresql@15-main.service\n",
                             kDesktop, kVersion1, "garbage", ":", "::", "\n\n"}) {
    const Container found = find(cgroup, kPlainMounts);
    CHECK(found.id.empty());
    CHECK(found.pod_uid.empty());
    CHECK(found.name.empty());
  }
}

TEST_CASE("docker, podman and ECS by their cgroups") {
  for (const char* cgroup : {
           "12:cpuset:/docker/{ID}\n11:pids:/docker/{ID}\n0::/docker/{ID}\n",
           "0::/system.slice/docker-{ID}.scope\n",
           "0::/system.slice/docker-{ID}.scope/init\n",
           "0::/machine.slice/libpod-{ID}.scope/container\n",
           "9:memory:/libpod_parent/libpod-{ID}\n",
           "5:cpu:/ecs/55091c13-b8cf-4801-b527-f4601742204d/{ID}\n",
           "0::/docker/{SANDBOX}/docker/{ID}\n",  // docker in docker: the inner one
           "0::/system.slice/containerd.service/kubepods:cri-containerd:{ID}\n",
       }) {
    CHECK(find(cgroup).id == kId);
    CHECK(find(cgroup).pod_uid.empty());
  }
  CHECK(find("0::/ecs/5509c13b8cf4801b527f4601742204d-2938475610\n").id.empty());
  CHECK(find("0::/ecs/5509c13b8cf4801b527f4601742204d1-2938475610\n").id ==
        "5509c13b8cf4801b527f4601742204d1-2938475610");
}

TEST_CASE("pods by their cgroups") {
  for (const char* cgroup : {
           "11:memory:/kubepods/besteffort/pod{POD}/{ID}\n",
           "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UNDERSCORED}.slice/"
           "cri-containerd-{ID}.scope\n",
           "0::/kubepods.slice/kubepods-pod{UNDERSCORED}.slice/crio-{ID}.scope/container\n",
           "0::/../../kubepods-burstable-pod{UNDERSCORED}.slice/docker-{ID}.scope\n",
       }) {
    CHECK(find(cgroup).id == kId);
    CHECK(find(cgroup).pod_uid == kPod);
  }
}

TEST_CASE("what only looks like an id is none") {
  for (const char* cgroup : {
           "0::/docker/{ID}0\n",                              // 65 digits
           "0::/docker/g{ID}\n",                              // no dash before it
           "0::/kubepods/pod{POD}/crio-conmon-{ID}.scope\n",  // the monitor of one
           "0::/docker/4C5AD1B9F8BD1BF60D7D5A5C2D29A02BD8B3A7A43F3EF2F1B0D8C2A3F4E5D6C7\n",
       }) {
    CHECK(find(cgroup).id.empty());
  }
  CHECK(find("0::/app/pod{POD}/x\n").pod_uid.empty());  // no kubepods, no pod
  CHECK(find("0::/kubepods/pod0a1b2c3d-4e5f\n").pod_uid.empty());
}

TEST_CASE("in a cgroup namespace the mounts tell") {
  const char* docker =
      "612 503 0:57 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755\n"
      "620 611 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw\n"
      "631 503 8:1 /var/lib/docker/containers/{ID}/resolv.conf /etc/resolv.conf rw - ext4 "
      "/dev/sda1 rw\n"
      "632 503 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
      "633 503 8:1 /var/lib/docker/containers/{ID}/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n";
  CHECK(find("0::/\n", docker).id == kId);
  const char* podman =
      "1290 1283 0:25 /containers/overlay-containers/{ID}/userdata/hostname /etc/hostname "
      "rw,nosuid,nodev - tmpfs tmpfs rw,mode=755\n";
  CHECK(find("0::/\n", podman).id == kId);
  const char* cgroup_v1 =
      "703 702 0:33 /docker/{ID} /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory\n";
  CHECK(find("", cgroup_v1).id == kId);
}

TEST_CASE("in a pod the files of /etc are the sandbox's, whose id is not taken") {
  const char* mounts =
      "1720 1600 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw\n"
      "1723 1600 259:1 /var/lib/kubelet/pods/{POD}/etc-hosts /etc/hosts rw - ext4 /dev/root rw\n"
      "1724 1611 259:1 /var/lib/kubelet/pods/{POD}/containers/checkout/9f86d081 "
      "/dev/termination-log rw - ext4 /dev/root rw\n"
      "1725 1600 259:1 /var/lib/docker/containers/{SANDBOX}/hostname /etc/hostname rw - ext4 "
      "/dev/root rw\n";
  const Container found = find("0::/\n", mounts);
  CHECK(found.id.empty());
  CHECK(found.pod_uid == kPod);
  CHECK(found.name == "checkout");
  // With the cgroup in sight both are known.
  CHECK(find("0::/kubepods/pod{POD}/{ID}\n", mounts).id == kId);
  // The kubelet's directory may be a file system of its own.
  CHECK(find("0::/\n", "9 8 7:0 /pods/{POD}/etc-hosts /etc/hosts rw - xfs /dev/sdb rw\n").pod_uid ==
        kPod);
}

TEST_CASE("a text cut off anywhere gives no more than the whole one") {
  const std::string cgroup = with_ids("0::/kubepods/pod{POD}/{ID}\n");
  const std::string mounts = with_ids(
      "1724 1611 259:1 /pods/{POD}/containers/checkout/9f /dev/termination-log rw - ext4 /dev/root "
      "rw\n"
      "632 503 8:1 /docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n");
  for (std::size_t size = 0; size <= mounts.size(); ++size) {
    const Container found =
        find_container(std::string_view(cgroup).substr(0, std::min(size, cgroup.size())),
                       std::string_view(mounts).substr(0, size));
    CHECK((found.id.empty() || found.id == kId));
    CHECK((found.pod_uid.empty() || found.pod_uid == kPod));
    CHECK((found.name.empty() || found.name == "checkout"));
  }
}

}  // namespace
}  // namespace otprof::agent
