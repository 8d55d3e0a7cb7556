// SPDX-License-Identifier: Apache-2.0
//
// Reading what an SDK has published of the process: found under each of its names, followed through
// changes and removal, never half-written, and harmless whatever lies there.
#include "agent/process_context.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <thread>

#include "test/unit/tools/wire_writer.h"

namespace otprof::agent {
namespace {

using test::message;
using test::number;

constexpr std::size_t kPage = 4096;

std::string key_value(std::string_view key, std::string_view any_value) {
  return message(1, key) + message(2, any_value);
}
std::string text_value(std::string_view text) { return message(1, text); }

std::string attributes(std::string_view service, std::string_view instance) {
  return message(1, message(1, key_value("service.name", text_value(service))) +
                        message(1, key_value("service.instance.id", text_value(instance))));
}

std::string text_of(const ProcessContext& context, std::string_view key) {
  for (const encoder::LiteralAttribute& attribute : context.resource) {
    if (attribute.key == key && std::holds_alternative<std::string>(attribute.value)) {
      return std::get<std::string>(attribute.value);
    }
  }
  return "(none)";
}

struct Header {
  char signature[8] = {'O', 'T', 'E', 'L', '_', 'C', 'T', 'X'};
  std::uint32_t version = 2;
  std::uint32_t size = 0;
  std::uint64_t time = 0;
  std::uint64_t payload = 0;
};

enum class Place { kMemfd, kNamedMemory };

// A publisher as OTEP 4719 describes it.
class Publisher {
 public:
  explicit Publisher(Place place, int protection = PROT_READ | PROT_WRITE) {
    int fd = -1;
    if (place == Place::kMemfd) {
      fd = memfd_create("OTEL_CTX", MFD_CLOEXEC);
      REQUIRE(fd >= 0);
      REQUIRE(ftruncate(fd, kPage) == 0);
    }
    memory_ = mmap(nullptr, kPage, protection | PROT_WRITE,
                   MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
    REQUIRE(memory_ != MAP_FAILED);
    if (fd >= 0) {
      close(fd);
    }
    // Refused by kernels without CONFIG_ANON_VMA_NAME; then only the memfd's name is there.
    constexpr int kSetVma = 0x53564d41;  // PR_SET_VMA, linux >= 5.17
    named_ = prctl(kSetVma, 0, memory_, kPage, "OTEL_CTX") == 0;
  }
  ~Publisher() { munmap(memory_, kPage); }
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  bool named() const { return named_; }
  volatile Header& header() { return *static_cast<volatile Header*>(memory_); }

  // `payload` must stay where it is.
  void publish(std::string_view payload) {
    publish_raw(reinterpret_cast<std::uintptr_t>(payload.data()),
                static_cast<std::uint32_t>(payload.size()));
  }
  void publish_raw(std::uintptr_t payload, std::uint32_t size, std::uint32_t version = 2) {
    volatile Header& h = header();
    h.time = 0;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const Header fresh;
    for (std::size_t i = 0; i < sizeof fresh.signature; ++i) {
      h.signature[i] = fresh.signature[i];
    }
    h.version = version;
    h.payload = payload;
    h.size = size;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    h.time = ++time_;
  }

 private:
  void* memory_ = MAP_FAILED;
  bool named_ = false;
  std::uint64_t time_ = 1000;
};

TEST_CASE("nothing published is no context and no problem") {
  ProcessContextReader reader;
  std::string problem;
  CHECK_FALSE(reader.refresh(problem));
  CHECK(reader.current() == nullptr);
  CHECK(problem.empty());
}

TEST_CASE("a context is found under each name, followed when it changes, forgotten when it goes") {
  for (const Place place : {Place::kMemfd, Place::kNamedMemory}) {
    ProcessContextReader reader;
    std::string problem;
    const std::string first = attributes("shop", "one");
    const std::string second = attributes("shop", "two");
    {
      Publisher publisher(place);
      if (place == Place::kNamedMemory && !publisher.named()) {
        WARN("this kernel does not name anonymous memory");
        continue;
      }
      publisher.publish(first);
      REQUIRE(reader.refresh(problem));
      REQUIRE(reader.current() != nullptr);
      CHECK(text_of(*reader.current(), "service.name") == "shop");
      CHECK(text_of(*reader.current(), "service.instance.id") == "one");
      CHECK_FALSE(reader.refresh(problem));

      publisher.publish(second);
      CHECK(reader.refresh(problem));
      CHECK(text_of(*reader.current(), "service.instance.id") == "two");

      publisher.header().time = 0;  // being changed: the last one stays
      CHECK_FALSE(reader.refresh(problem));
      REQUIRE(reader.current() != nullptr);
      CHECK(text_of(*reader.current(), "service.instance.id") == "two");
    }
    CHECK(reader.refresh(problem));
    CHECK(reader.current() == nullptr);
    CHECK_FALSE(reader.refresh(problem));
    CHECK(problem.empty());
  }
}

TEST_CASE("of two contexts the one published last counts") {
  Publisher old(Place::kMemfd);
  Publisher current(Place::kMemfd);
  const std::string old_text = attributes("old", "1");
  const std::string text = attributes("current", "2");
  old.publish(old_text);
  current.publish(text);
  current.publish(text);
  ProcessContextReader reader;
  std::string problem;
  REQUIRE(reader.refresh(problem));
  CHECK(text_of(*reader.current(), "service.name") == "current");
}

TEST_CASE("what cannot be used is said once, until it changes") {
  Publisher publisher(Place::kMemfd);
  ProcessContextReader reader;
  std::string problem;
  const std::string good = attributes("shop", "one");
  publisher.publish(good);
  REQUIRE(reader.refresh(problem));
  const auto refused = [&](std::string_view why) {
    CHECK(reader.current() == nullptr);
    CHECK(problem.find(why) != std::string::npos);
    problem.clear();
    CHECK_FALSE(reader.refresh(problem));
    CHECK(problem.empty());
  };
  publisher.publish_raw(reinterpret_cast<std::uintptr_t>(good.data()), 10, 1);
  CHECK(reader.refresh(problem));  // what was there is gone
  refused("version 1");
  publisher.publish_raw(8, 100);
  CHECK_FALSE(reader.refresh(problem));
  refused("not in readable memory");
  publisher.publish_raw(reinterpret_cast<std::uintptr_t>(good.data()), UINT32_MAX);
  CHECK_FALSE(reader.refresh(problem));
  refused("larger than 64 KiB");
  publisher.publish(std::string_view(good).substr(0, good.size() - 1));
  CHECK_FALSE(reader.refresh(problem));
  refused("malformed");
  publisher.publish(good);
  CHECK(reader.refresh(problem));
  CHECK(reader.current() != nullptr);
}

TEST_CASE("executable memory, and memory without the signature, is no context") {
  const std::string good = attributes("shop", "one");
  ProcessContextReader reader;
  std::string problem;
  {
    Publisher executable(Place::kMemfd, PROT_READ | PROT_EXEC);
    executable.publish(good);
    CHECK_FALSE(reader.refresh(problem));
  }
  Publisher unsigned_context(Place::kMemfd);
  unsigned_context.publish(good);
  unsigned_context.header().signature[0] = 'X';
  CHECK_FALSE(reader.refresh(problem));
  CHECK(reader.current() == nullptr);
  CHECK(problem.empty());
}

TEST_CASE("a context that changes all the time is never seen half-written") {
  Publisher publisher(Place::kMemfd);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    // Both texts live in one place, as with a publisher that reuses its memory.
    std::string place(attributes(std::string(40, 'a'), std::string(40, 'a')).size(), '\0');
    for (int i = 0; !stop; ++i) {
      const std::string letters(40, static_cast<char>('a' + i % 26));
      const std::string text = attributes(letters, letters);
      publisher.header().time = 0;
      std::atomic_thread_fence(std::memory_order_seq_cst);
      std::memcpy(place.data(), text.data(), text.size());
      publisher.publish(place);
      if (i % 64 == 0) {
        std::this_thread::yield();
      }
    }
    publisher.header().time = 0;
  });
  ProcessContextReader reader;
  std::string problem;
  int seen = 0;
  bool whole = true;
  for (int i = 0; i < 200000 && seen < 200; ++i) {
    if (reader.refresh(problem) && reader.current() != nullptr) {
      ++seen;
      const std::string name = text_of(*reader.current(), "service.name");
      whole = whole && name == text_of(*reader.current(), "service.instance.id") &&
              name == std::string(40, name.empty() ? '?' : name[0]);
    }
  }
  stop = true;
  writer.join();
  CHECK(whole);
  CHECK(seen > 0);
  CHECK(problem.empty());
}

TEST_CASE("attributes: strings and integers are kept, names of thread keys apart") {
  const std::string keys = message(1, text_value("route")) + message(1, text_value("tenant")) +
                           message(1, number(3, 7)) + message(1, text_value("user"));
  const std::string resource =
      message(1, key_value("service.name", text_value("shop"))) +
      message(1, key_value("process.pid", number(3, 42))) +
      message(1, key_value("flag", number(2, 1))) + message(1, key_value("", text_value("x"))) +
      message(1, key_value("list", message(5, message(1, text_value("y"))))) +
      message(1, key_value("threadlocal.other", text_value("never sent"))) +
      message(1, message(1, "no value"));
  const std::string text =
      message(1, resource) +
      message(2, key_value("threadlocal.schema_version", text_value("tlsdesc_v1_dev"))) +
      message(2, key_value("threadlocal.attribute_key_map", message(5, keys))) +
      message(2, key_value("other", text_value("no part of the resource")));
  const std::optional<ProcessContext> context = parse_process_context(text);
  REQUIRE(context.has_value());
  REQUIRE(context->resource.size() == 2);
  CHECK(text_of(*context, "service.name") == "shop");
  CHECK(context->resource[1].key == "process.pid");
  CHECK(std::get<std::int64_t>(context->resource[1].value) == 42);
  CHECK(context->thread_schema_version == "tlsdesc_v1_dev");
  // What is no string keeps its place, or every later key would have the wrong name.
  CHECK(context->thread_keys == std::vector<std::string>{"route", "tenant", "", "user"});
}

TEST_CASE("no more thread keys than a byte can name") {
  std::string keys;
  for (int i = 0; i < 300; ++i) {
    keys += message(1, text_value("k" + std::to_string(i)));
  }
  const auto context = parse_process_context(
      message(2, key_value("threadlocal.attribute_key_map", message(5, keys))));
  REQUIRE(context.has_value());
  CHECK(context->thread_keys.size() == 256);
  CHECK(context->thread_keys.back() == "k255");
}

TEST_CASE("any bytes at all are either a context or none") {
  const std::string good =
      attributes("shop", "one") + message(2, key_value("threadlocal.attribute_key_map",
                                                       message(5, message(1, text_value("a")))));
  for (std::size_t size = 0; size < good.size(); ++size) {
    parse_process_context(std::string_view(good).substr(0, size));
  }
  std::mt19937 random(1);
  for (int i = 0; i < 50000; ++i) {
    std::string bytes = good;
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (const auto context = parse_process_context(bytes)) {
      CHECK(context->thread_keys.size() <= 256);
    }
  }
  // Deep nesting of values: no recursion follows it.
  std::string deep = text_value("x");
  for (int i = 0; i < 2000; ++i) {
    deep = message(5, message(1, deep));
  }
  parse_process_context(message(1, message(1, key_value("deep", deep))));
}

}  // namespace
}  // namespace otprof::agent
