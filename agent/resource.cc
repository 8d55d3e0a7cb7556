// SPDX-License-Identifier: Apache-2.0
#include "agent/resource.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/version.h"

namespace otprof::agent {
namespace {

constexpr const char* kSchemaUrl = "https://opentelemetry.io/schemas/1.44.0";
// What receivers take as a label's name and value, in bytes.
constexpr std::size_t kMostKeyBytes = 1024;
constexpr std::size_t kMostValueBytes = 2048;

#if defined(__x86_64__)
constexpr const char* kHostArch = "amd64";
#elif defined(__aarch64__)
constexpr const char* kHostArch = "arm64";
#else
#error "host.arch has no value for this architecture"
#endif

// At most kMostValueBytes, no character cut in two.
std::string_view cut(std::string_view value) {
  if (value.size() <= kMostValueBytes) {
    return value;
  }
  std::size_t size = kMostValueBytes;
  while (size > 0 && (static_cast<unsigned char>(value[size]) & 0xc0U) == 0x80U) {
    --size;
  }
  return value.substr(0, size);
}

class AttributeList {
 public:
  // An empty value is none; a key that is there already keeps its first value. False when there is
  // no room.
  bool add(std::string_view key, std::string_view value) {
    return value.empty() || append(key, std::string(cut(value)));
  }
  bool add(std::string_view key, std::int64_t value) { return append(key, value); }
  bool add(const encoder::LiteralAttribute& attribute) {
    const auto* number = std::get_if<std::int64_t>(&attribute.value);
    return number != nullptr ? add(attribute.key, *number)
                             : add(attribute.key, *std::get_if<std::string>(&attribute.value));
  }

  std::vector<encoder::LiteralAttribute> take() { return std::move(list_); }
  std::uint32_t dropped() const { return dropped_; }

 private:
  bool append(std::string_view key, std::variant<std::string, std::int64_t> value) {
    if (std::ranges::find(list_, key, &encoder::LiteralAttribute::key) != list_.end()) {
      return true;
    }
    // Keys of thread contexts are no telemetry, whoever gives them.
    if (list_.size() >= kMostResourceAttributes || key.size() > kMostKeyBytes ||
        key.starts_with("threadlocal.")) {
      ++dropped_;
      return false;
    }
    list_.push_back({std::string(key), std::move(value)});
    return true;
  }

  std::vector<encoder::LiteralAttribute> list_;
  std::uint32_t dropped_ = 0;
};

std::string value_of(const transport::KeyValues& attributes, std::string_view key) {
  for (const auto& [name, value] : attributes) {
    if (name == key) {
      return value;
    }
  }
  return {};
}

std::string value_of(const ProcessContext* context, std::string_view key) {
  if (context != nullptr) {
    for (const encoder::LiteralAttribute& attribute : context->resource) {
      const auto* text = std::get_if<std::string>(&attribute.value);
      if (attribute.key == key && text != nullptr) {
        return *text;
      }
    }
  }
  return {};
}

std::string first_set(std::initializer_list<std::string> values) {
  for (const std::string& value : values) {
    if (!value.empty()) {
      return value;
    }
  }
  return {};
}

bool identifies_service(std::string_view key) {
  return key.starts_with("service.") || key.starts_with("deployment.environment");
}

// What the agent knows better than an SDK: which library made the profiles, of which process.
bool is_agents_own(std::string_view key) {
  return key.starts_with("telemetry.") || key.starts_with("process.");
}

void add_kubernetes(const Options& options, const ProcessFacts& facts, AttributeList& list) {
  const auto name = [&](const std::string& own, std::initializer_list<std::string> generic) {
    return first_set({own, facts.in_kubernetes ? first_set(generic) : std::string{}});
  };
  list.add("k8s.pod.name", name(options.k8s_pod_name, {options.pod_name, options.my_pod_name}));
  list.add("k8s.namespace.name",
           name(options.k8s_namespace,
                {options.pod_namespace, options.my_pod_namespace, facts.pod_namespace}));
  list.add("k8s.container.name",
           name(options.k8s_container_name, {facts.container.name, options.container_name}));
  list.add("k8s.deployment.name", options.k8s_deployment_name);
  list.add("k8s.node.name", name(options.k8s_node_name, {options.node_name, options.my_node_name}));
  list.add("k8s.cluster.name", options.k8s_cluster_name);
  list.add("k8s.pod.uid", name(options.k8s_pod_uid,
                               {facts.container.pod_uid, options.pod_uid, options.my_pod_uid}));
}

// Most wanted first: what does not fit is left out.
void add_detected(const Options& options, const ProcessFacts& facts, const Identity& identity,
                  AttributeList& list) {
  list.add("process.executable.name", identity.executable_name);
  list.add("host.name", facts.host_name);
  add_kubernetes(options, facts, list);
  list.add("container.id", facts.container.id);
  list.add("process.creation.time", facts.creation_time);
  list.add("process.executable.path", facts.executable_path);
  list.add("process.executable.build_id.gnu", facts.executable_build_id_gnu);
  list.add("host.id", facts.host_id);
  list.add("host.arch", kHostArch);
  list.add("os.type", "linux");
  list.add("process.owner", facts.owner);
  list.add("process.executable.build_id.htlhash", facts.executable_build_id_htl);
  list.add("os.name", facts.os_name);
  list.add("os.version", facts.os_version);
  list.add("telemetry.distro.name", "libotprof");
  list.add("telemetry.distro.version", kVersion);
}

}  // namespace

Identity identify_process(const Options& options, const ProcessFacts& facts,
                          const ProcessContext* published) {
  Identity identity;
  identity.executable_name = facts.executable_path.substr(facts.executable_path.rfind('/') + 1);
  identity.service_name =
      first_set({value_of(published, "service.name"), options.service_name,
                 value_of(facts.given, "service.name"),
                 identity.executable_name.empty() ? "unknown_service"
                                                  : "unknown_service:" + identity.executable_name});
  AttributeList list;
  list.add("service.name", identity.service_name);
  list.add("service.instance.id",
           first_set({value_of(published, "service.instance.id"),
                      value_of(facts.given, "service.instance.id"), facts.instance_id}));
  list.add("telemetry.sdk.name", "libotprof");
  list.add("telemetry.sdk.language", "cpp");
  list.add("telemetry.sdk.version", kVersion);
  list.add("process.pid", facts.pid);
  const auto add_published = [&](auto wanted) {
    for (std::size_t i = 0; published != nullptr && i < published->resource.size(); ++i) {
      if (wanted(published->resource[i].key)) {
        list.add(published->resource[i]);
      }
    }
  };
  add_published(identifies_service);
  for (const auto& [key, value] : facts.given) {
    if (!list.add(key, value)) {
      identity.left_out.push_back(key);
    }
  }
  add_published([](std::string_view key) { return !is_agents_own(key); });
  add_detected(options, facts, identity, list);
  identity.resource.dropped_attributes = list.dropped();
  identity.resource.attributes = list.take();
  identity.resource.schema_url = kSchemaUrl;
  return identity;
}

}  // namespace otprof::agent
