// SPDX-License-Identifier: Apache-2.0
#include "agent/resource.h"

#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>

#include "agent/log.h"
#include "agent/proc_file.h"
#include "agent/version.h"
#include "transport/endpoint.h"

namespace otprof::agent {
namespace {

constexpr const char* kSchemaUrl = "https://opentelemetry.io/schemas/1.44.0";

std::string executable_path() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string{};
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

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

// Start of the process, ISO 8601 UTC: field 22 of /proc/self/stat is in clock ticks since boot.
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

class AttributeList {
 public:
  // An empty value is left out; a key that is there already keeps its first value.
  void add(std::string_view key, std::string_view value) {
    if (!value.empty() && !has(key)) {
      list_.push_back({std::string(key), std::string(value.substr(0, kMostValueBytes))});
    }
  }
  void add(std::string_view key, std::int64_t value) {
    if (!has(key)) {
      list_.push_back({std::string(key), value});
    }
  }
  std::vector<encoder::LiteralAttribute> take() { return std::move(list_); }

 private:
  static constexpr std::size_t kMostValueBytes = 2048;  // what receivers take as a label

  bool has(std::string_view key) const {
    for (const encoder::LiteralAttribute& attribute : list_) {
      if (attribute.key == key) {
        return true;
      }
    }
    return false;
  }
  std::vector<encoder::LiteralAttribute> list_;
};

std::string value_of(const transport::KeyValues& attributes, std::string_view key) {
  for (const auto& [name, value] : attributes) {
    if (name == key) {
      return value;
    }
  }
  return {};
}

}  // namespace

Identity identify_process(const Options& options) {
  transport::KeyValues given;
  std::string error;
  if (!transport::parse_resource_attributes(options.resource_attributes, given, error)) {
    log_warning("OTEL_RESOURCE_ATTRIBUTES is not accepted (" + error +
                "); none of its attributes are used");
    given.clear();
  }
  const std::string path = executable_path();
  Identity identity;
  identity.executable_name = base_name(path);
  identity.service_name = options.service_name;
  if (identity.service_name.empty()) {
    identity.service_name = value_of(given, "service.name");
  }
  if (identity.service_name.empty()) {
    identity.service_name = "unknown_service";
    if (!identity.executable_name.empty()) {
      identity.service_name += ":" + identity.executable_name;
    }
  }

  utsname system{};
  uname(&system);
  AttributeList list;
  list.add("service.name", identity.service_name);
  list.add("telemetry.sdk.name", "libotprof");
  list.add("telemetry.sdk.language", "cpp");
  list.add("telemetry.sdk.version", kVersion);
  list.add("process.pid", static_cast<std::int64_t>(getpid()));
  for (const auto& [key, value] : given) {
    list.add(key, value);
  }
  list.add("service.instance.id", random_uuid());
  list.add("process.creation.time", creation_time());
  list.add("process.executable.name", identity.executable_name);
  list.add("process.executable.path", path);
  list.add("host.name", system.nodename);
  list.add("host.arch", "amd64");
  list.add("os.type", "linux");
  identity.resource.attributes = list.take();
  identity.resource.schema_url = kSchemaUrl;
  return identity;
}

}  // namespace otprof::agent
