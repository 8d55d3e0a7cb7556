// SPDX-License-Identifier: Apache-2.0
#include "agent/container.h"

#include <algorithm>
#include <array>

namespace otprof::agent {
namespace {

constexpr std::size_t kIdDigits = 64;
constexpr std::string_view kPods = "/pods/";  // in the kubelet's directory

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_all(std::string_view text, bool (*is)(char)) {
  return !text.empty() && std::ranges::all_of(text, is);
}

// Takes the part before the first `end` off the front of `text`; all of it when there is none.
std::string_view take_until(std::string_view& text, char end) {
  const std::size_t size = std::min(text.find(end), text.size());
  const std::string_view part = text.substr(0, size);
  text.remove_prefix(std::min(size + 1, text.size()));
  return part;
}

// ID, NAME-ID or NAME-ID.scope with an id of 64 hex digits; on ECS's Fargate 32 hex digits, a dash
// and a number.
std::string_view id_in_segment(std::string_view segment) {
  if (segment.starts_with("crio-conmon-")) {
    return {};  // the monitor's cgroup, not the container's
  }
  if (segment.ends_with(".scope")) {
    segment.remove_suffix(std::string_view(".scope").size());
  }
  if (segment.size() >= kIdDigits) {
    const std::string_view id = segment.substr(segment.size() - kIdDigits);
    const bool delimited = id.size() == segment.size() ||
                           segment[segment.size() - kIdDigits - 1] == '-' ||
                           segment[segment.size() - kIdDigits - 1] == ':';
    return delimited && is_all(id, is_hex) ? id : std::string_view{};
  }
  constexpr std::size_t kTaskDigits = 32;
  const bool is_fargate = segment.size() > kTaskDigits && segment[kTaskDigits] == '-' &&
                          is_all(segment.substr(0, kTaskDigits), is_hex) &&
                          is_all(segment.substr(kTaskDigits + 1), is_digit);
  return is_fargate ? segment : std::string_view{};
}

// The innermost segment that is one: containers may run in containers.
std::string_view id_in_path(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = path.rfind('/');
    const std::string_view id =
        id_in_segment(slash == std::string_view::npos ? path : path.substr(slash + 1));
    if (!id.empty() || slash == std::string_view::npos) {
      return id;
    }
    path = path.substr(0, slash);
  }
  return {};
}

// 8-4-4-4-12 hex digits, also with the underscores that systemd wants instead of dashes.
std::string uuid_at(std::string_view text) {
  constexpr std::size_t kSize = 36;
  if (text.size() < kSize) {
    return {};
  }
  std::string uuid(text.substr(0, kSize));
  for (std::size_t i = 0; i < kSize; ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash && uuid[i] == '_') {
      uuid[i] = '-';
    }
    if (is_dash ? uuid[i] != '-' : !is_hex(uuid[i])) {
      return {};
    }
  }
  return uuid;
}

std::string pod_in_path(std::string_view path) {
  if (path.find("kubepods") == std::string_view::npos) {
    return {};
  }
  for (std::size_t at = path.find("pod"); at != std::string_view::npos;
       at = path.find("pod", at + 1)) {
    std::string uid = uuid_at(path.substr(at + 3));
    if (!uid.empty()) {
      return uid;
    }
  }
  return {};
}

void read_cgroup_path(std::string_view path, Container& container) {
  if (container.id.empty()) {
    container.id = id_in_path(path);
  }
  if (container.pod_uid.empty()) {
    container.pod_uid = pod_in_path(path);
  }
}

struct Mount {
  std::string_view root;  // what of the file system is mounted
  std::string_view place;
  bool is_cgroup = false;
};

// id parent major:minor root place options... - type source options   (proc(5))
Mount parse_mount(std::string_view line) {
  Mount mount;
  for (int i = 0; i < 3; ++i) {
    take_until(line, ' ');
  }
  mount.root = take_until(line, ' ');
  mount.place = take_until(line, ' ');
  const std::size_t type = line.find(" - ");
  mount.is_cgroup = type != std::string_view::npos && line.substr(type + 3).starts_with("cgroup");
  return mount;
}

// Docker and podman keep the files they mount over /etc in a directory that has the id's name.
std::string_view id_of_etc_file(const Mount& mount) {
  constexpr std::array<std::string_view, 3> kPlaces = {"/etc/hostname", "/etc/hosts",
                                                       "/etc/resolv.conf"};
  constexpr std::string_view kDirectory = "containers/";
  if (std::ranges::find(kPlaces, mount.place) == kPlaces.end()) {
    return {};
  }
  for (std::size_t at = mount.root.find(kDirectory); at != std::string_view::npos;
       at = mount.root.find(kDirectory, at + 1)) {
    std::string_view rest = mount.root.substr(at + kDirectory.size());
    const std::string_view id = take_until(rest, '/');
    if (id.size() == kIdDigits && is_all(id, is_hex)) {
      return id;
    }
  }
  return {};
}

}  // namespace

Container find_container(std::string_view cgroup, std::string_view mountinfo) {
  Container container;
  while (!cgroup.empty()) {
    std::string_view line = take_until(cgroup, '\n');  // number:controllers:path
    take_until(line, ':');
    take_until(line, ':');
    read_cgroup_path(line, container);
  }
  std::string_view id_of_files;
  while (!mountinfo.empty()) {
    const Mount mount = parse_mount(take_until(mountinfo, '\n'));
    if (mount.is_cgroup) {
      read_cgroup_path(mount.root, container);
    }
    if (const std::size_t at = mount.root.find(kPods); at != std::string_view::npos) {
      // .../pods/UID/etc-hosts, .../pods/UID/containers/NAME/RUN on /dev/termination-log
      std::string_view rest = mount.root.substr(at + kPods.size());
      const std::string uid = uuid_at(take_until(rest, '/'));
      if (container.pod_uid.empty()) {
        container.pod_uid = uid;
      }
      if (!uid.empty() && mount.place == "/dev/termination-log" &&
          take_until(rest, '/') == "containers") {
        container.name = take_until(rest, '/');
      }
    }
    if (id_of_files.empty()) {
      id_of_files = id_of_etc_file(mount);
    }
  }
  // In a pod those files belong to its sandbox, whose id is another one.
  if (container.id.empty() && container.pod_uid.empty()) {
    container.id = id_of_files;
  }
  return container;
}

}  // namespace otprof::agent
