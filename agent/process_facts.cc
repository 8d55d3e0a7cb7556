// SPDX-License-Identifier: Apache-2.0
#include "agent/process_facts.h"

#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>
#include <utility>

#include "agent/etc_files.h"
#include "agent/log.h"
#include "agent/proc_file.h"

namespace otprof::agent {
namespace {

constexpr std::size_t kMostFileBytes = std::size_t{1} << 20;

std::string executable_path() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/thread-self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string{};
}

// RFC 9562 version 4.
std::string random_uuid() {
  std::array<unsigned char, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK) != static_cast<ssize_t>(bytes.size())) {
    return {};
  }
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3fU) | 0x80U);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      text += '-';
    }
    text += kDigits[bytes[i] >> 4U];
    text += kDigits[bytes[i] & 0x0fU];
  }
  return text;
}

// Start of the process: field 22 of /proc/self/stat is in clock ticks since boot.
std::string creation_time() {
  const std::string text = read_small_file("/proc/self/stat");
  std::size_t at = text.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) {
    at = text.find(' ', at + 1);
  }
  unsigned long long ticks = 0;
  if (at == std::string::npos ||
      std::from_chars(text.data() + at + 1, text.data() + text.size(), ticks).ec != std::errc{}) {
    return {};
  }
  timespec boot{};
  timespec wall{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  clock_gettime(CLOCK_REALTIME, &wall);
  const auto per_second = static_cast<unsigned long long>(sysconf(_SC_CLK_TCK));
  const time_t started = wall.tv_sec - boot.tv_sec + static_cast<time_t>(ticks / per_second);
  tm parts{};
  gmtime_r(&started, &parts);
  std::array<char, 32> iso{};
  return {iso.data(), std::strftime(iso.data(), iso.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// The first line of `text` without white space around it.
std::string first_line(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  return std::string(text.substr(0, text.find_last_not_of(" \t\r") + 1));
}

}  // namespace

transport::KeyValues read_resource_attributes(const Options& options) {
  transport::KeyValues given;
  std::string error;
  if (!transport::parse_resource_attributes(options.resource_attributes, given, error)) {
    log_warning("OTEL_RESOURCE_ATTRIBUTES is not accepted (" + error +
                "); none of its attributes are used");
    given.clear();
  }
  return given;
}

ProcessFacts learn_process_facts(const Options& options, transport::KeyValues given,
                                 symbols::ModuleMap& modules) {
  ProcessFacts facts;
  facts.given = std::move(given);
  facts.instance_id = random_uuid();
  facts.pid = getpid();
  facts.creation_time = creation_time();
  facts.executable_path = executable_path();
  facts.executable_build_id_gnu = modules.main_module().build_id;
  facts.executable_build_id_htl = modules.htl_hash(modules.main_module());
  facts.owner = user_name(read_small_file("/etc/passwd", kMostFileBytes), geteuid());
  utsname system{};
  uname(&system);
  facts.host_name = system.nodename;
  facts.container = find_container(read_small_file("/proc/thread-self/cgroup"),
                                   read_small_file("/proc/thread-self/mountinfo", kMostFileBytes));
  facts.in_kubernetes =
      !options.kubernetes_service_host.empty() || !facts.container.pod_uid.empty();
  if (facts.in_kubernetes) {
    facts.pod_namespace =
        first_line(read_small_file("/var/run/secrets/kubernetes.io/serviceaccount/namespace"));
  }
  if (facts.container.id.empty() && !facts.in_kubernetes) {
    facts.host_id = first_line(read_small_file("/etc/machine-id"));
  }
  const std::string release = read_small_file("/etc/os-release");
  facts.os_name = os_release_value(release, "NAME");
  facts.os_version = os_release_value(release, "VERSION_ID");
  return facts;
}

}  // namespace otprof::agent
