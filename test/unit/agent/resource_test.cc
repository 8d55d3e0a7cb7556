// SPDX-License-Identifier: Apache-2.0
//
// Who the process says it is: who has the last word on each attribute, and what is left out when
// there are too many.
#include "agent/resource.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

#include "agent/etc_files.h"

namespace otprof::agent {
namespace {

Options options_of(std::initializer_list<const char*> variables) {
  std::vector<const char*> environment(variables);
  environment.push_back(nullptr);
  return read_options(
      environment.data(), [](void*, std::string_view) {}, nullptr);
}

ProcessFacts facts() {
  ProcessFacts facts;
  facts.instance_id = "own-instance";
  facts.pid = 4711;
  facts.creation_time = "2026-11-26T10:00:00Z";
  facts.executable_path = "/usr/bin/checkout";
  facts.executable_build_id_gnu = "abcd";
  facts.executable_build_id_htl = "00112233445566778899aabbccddeeff";
  facts.owner = "www-data";
  facts.host_name = "node-7";
  facts.host_id = "machine";
  facts.os_name = "Debian GNU/Linux";
  facts.os_version = "12";
  return facts;
}

std::string text_of(const Identity& identity, std::string_view key) {
  for (const encoder::LiteralAttribute& attribute : identity.resource.attributes) {
    if (attribute.key == key) {
      const auto* text = std::get_if<std::string>(&attribute.value);
      return text != nullptr ? *text : std::to_string(std::get<std::int64_t>(attribute.value));
    }
  }
  return "(none)";
}

TEST_CASE("with nothing said, the process is what can be seen of it") {
  const Identity identity = identify_process(options_of({}), facts(), nullptr);
  CHECK(identity.service_name == "unknown_service:checkout");
  CHECK(identity.executable_name == "checkout");
  for (const auto& [key, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"service.name", "unknown_service:checkout"},
           {"service.instance.id", "own-instance"},
           {"telemetry.sdk.name", "libotprof"},
           {"telemetry.sdk.language", "cpp"},
           {"telemetry.distro.name", "libotprof"},
           {"process.pid", "4711"},
           {"process.creation.time", "2026-11-26T10:00:00Z"},
           {"process.executable.name", "checkout"},
           {"process.executable.path", "/usr/bin/checkout"},
           {"process.executable.build_id.gnu", "abcd"},
           {"process.executable.build_id.htlhash", "00112233445566778899aabbccddeeff"},
           {"process.owner", "www-data"},
           {"host.name", "node-7"},
           {"host.id", "machine"},
           {"os.type", "linux"},
           {"os.name", "Debian GNU/Linux"},
           {"os.version", "12"}}) {
    CHECK(text_of(identity, key) == value);
  }
  CHECK(text_of(identity, "container.id") == "(none)");
  CHECK(text_of(identity, "k8s.pod.name") == "(none)");
  CHECK(identity.resource.dropped_attributes == 0);
  CHECK(identity.left_out.empty());
}

TEST_CASE("a process without a readable executable is an unknown service") {
  ProcessFacts unseen = facts();
  unseen.executable_path.clear();
  CHECK(identify_process(options_of({}), unseen, nullptr).service_name == "unknown_service");
}

TEST_CASE("the service is named by the SDK, else OTEL_SERVICE_NAME, else the attributes") {
  ProcessFacts given = facts();
  given.given = {{"service.name", "given"},
                 {"service.instance.id", "given-instance"},
                 {"team", "blue"},
                 {"host.name", "given-host"},
                 {"process.pid", "1"}};
  Identity identity = identify_process(options_of({}), given, nullptr);
  CHECK(identity.service_name == "given");
  CHECK(text_of(identity, "service.instance.id") == "given-instance");
  CHECK(text_of(identity, "team") == "blue");
  CHECK(text_of(identity, "host.name") == "given-host");
  CHECK(text_of(identity, "process.pid") == "4711");

  const Options named = options_of({"OTEL_SERVICE_NAME=named"});
  CHECK(identify_process(named, given, nullptr).service_name == "named");

  ProcessContext published;
  published.resource = {{"service.name", std::string("shop")},
                        {"service.instance.id", std::string("sdk-instance")},
                        {"service.namespace", std::string("retail")},
                        {"service.version", std::string("1.2")},
                        {"deployment.environment.name", std::string("prod")},
                        {"telemetry.sdk.name", std::string("opentelemetry")},
                        {"process.command_line", std::string("shop --password secret")},
                        {"team", std::string("red")},
                        {"host.name", std::string("sdk-host")},
                        {"cloud.region", std::string("eu")},
                        {"shard", std::int64_t{3}}};
  identity = identify_process(named, given, &published);
  CHECK(identity.service_name == "shop");
  CHECK(text_of(identity, "service.name") == "shop");
  CHECK(text_of(identity, "service.instance.id") == "sdk-instance");
  CHECK(text_of(identity, "service.namespace") == "retail");
  CHECK(text_of(identity, "service.version") == "1.2");
  CHECK(text_of(identity, "deployment.environment.name") == "prod");
  CHECK(text_of(identity, "telemetry.sdk.name") == "libotprof");
  CHECK(text_of(identity, "process.command_line") == "(none)");
  CHECK(text_of(identity, "team") == "blue");
  CHECK(text_of(identity, "host.name") == "given-host");
  CHECK(text_of(identity, "cloud.region") == "eu");
  CHECK(text_of(identity, "shard") == "3");

  published.resource = {{"host.name", std::string("sdk-host")}, {"service.name", std::string()}};
  identity = identify_process(options_of({}), facts(), &published);
  CHECK(identity.service_name == "unknown_service:checkout");
  CHECK(text_of(identity, "host.name") == "sdk-host");
}

TEST_CASE("Kubernetes: own names always, generic ones in a pod only") {
  const auto variables = {
      "K8S_POD_NAME=checkout-7d4b9", "POD_NAMESPACE=shop", "NODE_NAME=node-1",
      "CONTAINER_NAME=app",          "POD_NAME=generic",   "K8S_CLUSTER_NAME=eu-1"};
  Identity identity = identify_process(options_of(variables), facts(), nullptr);
  CHECK(text_of(identity, "k8s.pod.name") == "checkout-7d4b9");
  CHECK(text_of(identity, "k8s.cluster.name") == "eu-1");
  CHECK(text_of(identity, "k8s.namespace.name") == "(none)");
  CHECK(text_of(identity, "k8s.node.name") == "(none)");

  ProcessFacts in_pod = facts();
  in_pod.in_kubernetes = true;
  in_pod.container = {"0123", "pod-uid", "main"};
  in_pod.pod_namespace = "from-file";
  identity = identify_process(options_of(variables), in_pod, nullptr);
  CHECK(text_of(identity, "k8s.pod.name") == "checkout-7d4b9");
  CHECK(text_of(identity, "k8s.namespace.name") == "shop");
  CHECK(text_of(identity, "k8s.node.name") == "node-1");
  CHECK(text_of(identity, "k8s.container.name") == "main");
  CHECK(text_of(identity, "k8s.pod.uid") == "pod-uid");
  CHECK(text_of(identity, "container.id") == "0123");
  identity = identify_process(options_of({"MY_POD_NAME=mine"}), in_pod, nullptr);
  CHECK(text_of(identity, "k8s.pod.name") == "mine");
  CHECK(text_of(identity, "k8s.namespace.name") == "from-file");
}

TEST_CASE("no more attributes than receivers take; the least wanted go, and are counted") {
  ProcessFacts many = facts();
  for (int i = 0; i < 30; ++i) {
    many.given.emplace_back("key" + std::to_string(i), "value");
  }
  const Identity identity = identify_process(options_of({"OTEL_SERVICE_NAME=s"}), many, nullptr);
  CHECK(identity.resource.attributes.size() == kMostResourceAttributes);
  for (const char* key : {"service.name", "service.instance.id", "telemetry.sdk.name",
                          "telemetry.sdk.language", "telemetry.sdk.version", "process.pid"}) {
    CHECK(text_of(identity, key) != "(none)");
  }
  CHECK(text_of(identity, "key18") == "value");
  CHECK(text_of(identity, "key19") == "(none)");
  REQUIRE(identity.left_out.size() == 11);
  CHECK(identity.left_out.front() == "key19");
  CHECK(identity.resource.dropped_attributes >= 11 + 10);
}

TEST_CASE("values are cut between characters, keys of thread contexts never sent") {
  ProcessFacts odd = facts();
  odd.given = {{"long", std::string(2047, 'a') + "\xc3\xa9\xc3\xa9"},
               {"threadlocal.attribute_key_map", "x"},
               {std::string(1025, 'k'), "x"}};
  const Identity identity = identify_process(options_of({}), odd, nullptr);
  CHECK(text_of(identity, "long") == std::string(2047, 'a'));
  CHECK(text_of(identity, "threadlocal.attribute_key_map") == "(none)");
  CHECK(text_of(identity, std::string(1025, 'k')) == "(none)");
  CHECK(identity.left_out.size() == 2);
}

TEST_CASE("os-release and passwd, as they are and as they should not be") {
  const char* release =
      "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n"
      "VERSION_ID='12'\nID=debian\nEMPTY=\nHALF=\"\n";
  CHECK(os_release_value(release, "NAME") == "Debian GNU/Linux");
  CHECK(os_release_value(release, "VERSION_ID") == "12");
  CHECK(os_release_value(release, "ID") == "debian");
  CHECK(os_release_value(release, "EMPTY").empty());
  CHECK(os_release_value(release, "HALF") == "\"");
  CHECK(os_release_value(release, "NAM").empty());
  CHECK(os_release_value("", "NAME").empty());

  const char* passwd =
      "root:x:0:0:root:/root:/bin/bash\nbroken\n:\n::\n:::\nwww-data:x:33:33:w:/:/x\nlast:x:1000";
  CHECK(user_name(passwd, 0) == "root");
  CHECK(user_name(passwd, 33) == "www-data");
  CHECK(user_name(passwd, 3).empty());
  CHECK(user_name(passwd, 1000).empty());
  CHECK(user_name("", 0).empty());
}

}  // namespace
}  // namespace otprof::agent
