// SPDX-License-Identifier: Apache-2.0
// The thread context as writers of every kind publish it, read as a handler reads it: on the same
// thread, between any two instructions.
#include "agent/thread_context.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "agent/context_keys.h"
#include "agent/otprof.h"
#include "agent/sample_labels.h"
#include "test/unit/agent/trace_pairs.h"

namespace {

namespace agent = otprof::agent;
namespace encoder = otprof::encoder;
namespace test = otprof::test;
using agent::ThreadContext;

constexpr std::size_t kPage = 4096;

// A record that ends where nothing may be read any more.
class RecordAtPageEnd {
 public:
  explicit RecordAtPageEnd(std::size_t attribute_bytes) {
    memory_ = static_cast<unsigned char*>(
        mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(memory_ + kPage, kPage, PROT_NONE);
    record_ = memory_ + kPage - 28 - attribute_bytes;
    const test::Pair pair = test::pair_of(7, 1);
    std::memcpy(record_, pair.trace_id, 16);
    std::memcpy(record_ + 16, pair.span_id, 8);
    record_[24] = 1;
    set_size(static_cast<std::uint16_t>(attribute_bytes));
    otel_thread_ctx_v1 = record_;
  }
  ~RecordAtPageEnd() {
    otel_thread_ctx_v1 = nullptr;
    munmap(memory_, 2 * kPage);
  }
  RecordAtPageEnd(const RecordAtPageEnd&) = delete;
  RecordAtPageEnd& operator=(const RecordAtPageEnd&) = delete;

  void set_size(std::uint16_t size) { std::memcpy(record_ + 26, &size, sizeof size); }
  unsigned char& operator[](std::size_t at) { return record_[at]; }
  unsigned char* attributes() { return record_ + 28; }

 private:
  unsigned char* memory_;
  unsigned char* record_;
};

bool has_link(const ThreadContext& context) {
  return context.link.trace_id != std::array<std::uint8_t, 16>{} ||
         context.link.span_id != std::array<std::uint8_t, 8>{};
}

// "key=value key=value", and how many were left out for which reason.
struct Labels {
  std::string text;
  agent::LabelCounters counters;
};

Labels labels_of(const ThreadContext& context, const std::vector<std::string>& published = {}) {
  std::string bytes(context.label_bytes, '\0');
  agent::write_labels(context, bytes.data());
  encoder::Dictionary dictionary;
  agent::SampleLabels reader(published);
  std::vector<encoder::Index> attributes;
  reader.add_to(attributes, bytes, dictionary);
  Labels labels;
  for (const encoder::Index index : attributes) {
    const encoder::Attribute& attribute = dictionary.attributes()[index];
    labels.text += (labels.text.empty() ? "" : " ") +
                   std::string(dictionary.string(attribute.key)) + "=" +
                   std::string(dictionary.string(std::get<encoder::Index>(attribute.value)));
  }
  labels.counters = reader.counters();
  return labels;
}

}  // namespace

TEST_CASE("without a pointer there is no context") {
  otel_thread_ctx_v1 = nullptr;
  const ThreadContext context = agent::current_thread_context();
  CHECK(!has_link(context));
  CHECK(context.label_bytes == 0);
}

TEST_CASE("a pointer that cannot be one is not followed") {
  for (const std::uintptr_t address : {1U, 24U, 4095U}) {
    otel_thread_ctx_v1 = reinterpret_cast<void*>(address);
    CHECK(!has_link(agent::current_thread_context()));
  }
  otel_thread_ctx_v1 = nullptr;
}

TEST_CASE("only valid = 1 is valid") {
  RecordAtPageEnd record(0);
  CHECK(has_link(agent::current_thread_context()));
  for (const int valid : {0, 2, 7, 255}) {
    record[24] = static_cast<unsigned char>(valid);
    CHECK(!has_link(agent::current_thread_context()));
    CHECK(agent::current_thread_context().label_bytes == 0);
  }
}

TEST_CASE("a record that ends with its page is read to its end and no further") {
  for (const std::size_t size : {0U, 1U, 2U, 3U, 36U, 611U, 612U}) {
    const RecordAtPageEnd record(size);
    const ThreadContext context = agent::current_thread_context();
    CHECK(test::is_pair(context.link.trace_id.data(), context.link.span_id.data()));
    CHECK(context.attribute_bytes == size);
    CHECK(!context.is_cut);
    std::string bytes(context.label_bytes, '\0');
    agent::write_labels(context, bytes.data());
  }
}

TEST_CASE("a size beyond what a record may have is cut to that, and counted") {
  RecordAtPageEnd record(612);
  for (int entry = 0; entry < 306; ++entry) {
    record.attributes()[2 * entry] = 0;  // all the same key: 306 empty values
    record.attributes()[2 * entry + 1] = 0;
  }
  for (const int size : {613, 1000, 65535}) {
    record.set_size(static_cast<std::uint16_t>(size));
    const ThreadContext context = agent::current_thread_context();
    CHECK(context.attribute_bytes == 612);
    CHECK(context.is_cut);
    const Labels labels = labels_of(context, {"zero"});
    CHECK(labels.text == "zero=");
    CHECK(labels.counters.cut == 1);
  }
}

TEST_CASE("half a link is none; its labels count") {
  RecordAtPageEnd record(4);
  std::memcpy(record.attributes(), "\0\2ab", 4);
  std::memset(&record[16], 0, 8);
  const ThreadContext context = agent::current_thread_context();
  CHECK(!has_link(context));
  CHECK(labels_of(context, {"only"}).text == "only=ab");
}

TEST_CASE("keys get their names from the published map, else from the agent's own") {
  const int own = agent::context_key("own.name");
  REQUIRE(own == 128);
  CHECK(agent::context_key("own.name") == own);
  RecordAtPageEnd record(12);
  std::memcpy(record.attributes(), "\0\1a\1\1b\x80\1c\x05\1d", 12);
  const Labels labels = labels_of(agent::current_thread_context(), {"zero", "one"});
  CHECK(labels.text == "zero=a one=b own.name=c");
  CHECK(labels.counters.unknown_key == 1);
  CHECK(labels.counters.cut == 0);
  CHECK(labels_of(agent::current_thread_context()).text == "own.name=c");
  const std::vector<std::string> large(200, "theirs");
  CHECK(labels_of(agent::current_thread_context(), large).text == "theirs=d");
}

TEST_CASE("of equal keys the last counts; an incomplete entry ends the reading") {
  RecordAtPageEnd record(13);
  std::memcpy(record.attributes(), "\0\1a\1\1b\0\2cc\1\7x", 13);
  const Labels labels = labels_of(agent::current_thread_context(), {"zero", "one"});
  CHECK(labels.text == "zero=cc one=b");
  CHECK(labels.counters.cut == 1);
  record.set_size(1);
  CHECK(labels_of(agent::current_thread_context(), {"zero"}).counters.cut == 1);
}

TEST_CASE("names that the agent uses itself, or that have none, are left out") {
  RecordAtPageEnd record(9);
  std::memcpy(record.attributes(), "\0\1a\1\1b\2\1c", 9);
  const Labels labels = labels_of(agent::current_thread_context(), {"trace_id", "", "pprof::x"});
  CHECK(labels.text.empty());
  CHECK(labels.counters.unknown_key == 3);
}

TEST_CASE("at most 64 labels are kept, the first") {
  std::vector<std::string> names;
  RecordAtPageEnd record(300);
  for (int i = 0; i < 100; ++i) {
    names.push_back("k" + std::to_string(i));
    const unsigned char entry[] = {static_cast<unsigned char>(i), 1, 'v'};
    std::memcpy(record.attributes() + 3 * i, entry, 3);
  }
  const Labels labels = labels_of(agent::current_thread_context(), names);
  CHECK(labels.text.ends_with("k63=v"));
  CHECK(labels.counters.cut == 1);
}

namespace {

struct CustomLabel {
  std::size_t key_size;
  const char* key;
  std::size_t value_size;
  const char* value;
};
struct CustomSet {
  const CustomLabel* storage;
  std::size_t count;
  std::size_t capacity;
};
thread_local CustomSet* custom_set = nullptr;

agent::SlotOffset offset_of(const void* variable) {
  return agent::own_slot_offset() +
         (static_cast<const char*>(variable) - reinterpret_cast<const char*>(&otel_thread_ctx_v1));
}

}  // namespace

TEST_CASE("custom labels: removed ones are skipped, the first of a key counts, sizes are bounded") {
  const std::string long_text(400, 'x');
  const CustomLabel labels[] = {{4, "user", 3, "bob"},
                                {4, nullptr, 3, "gone"},
                                {4, "user", 3, "eve"},
                                {20, long_text.data(), 400, long_text.data()}};
  CustomSet set{labels, 4, 4};
  agent::read_custom_labels(offset_of(&custom_set));
  CHECK(agent::current_thread_context().label_bytes == 0);
  custom_set = &set;
  CHECK(labels_of(agent::current_thread_context()).text ==
        "user=bob " + std::string(16, 'x') + "=" + std::string(48, 'x'));
  set.storage = nullptr;
  CHECK(labels_of(agent::current_thread_context()).text.empty());
  const std::vector<CustomLabel> many(1000, CustomLabel{1, "k", 48, long_text.data()});
  set = {many.data(), many.size(), many.size()};
  CHECK(agent::current_thread_context().label_bytes <= agent::kMostLabelBytes);
  custom_set = nullptr;
  agent::read_custom_labels(0);
}

TEST_CASE("a slot that is not the shared one is read after it") {
  static thread_local void* other_slot = nullptr;
  agent::read_slots_too({offset_of(&other_slot)});
  unsigned char record[28] = {1};
  record[16] = 2;
  record[24] = 1;
  other_slot = record;
  CHECK(agent::current_trace_context().trace_id[0] == 1);
  unsigned char shared[28] = {3};
  shared[16] = 4;
  shared[24] = 1;
  otel_thread_ctx_v1 = shared;
  CHECK(agent::current_trace_context().trace_id[0] == 3);
  shared[24] = 0;
  CHECK(agent::current_trace_context().trace_id[0] == 1);
  otel_thread_ctx_v1 = nullptr;
  agent::read_slots_too({});
}

// ---- Between any two instructions ---------------------------------------------------------------

namespace {

struct Steps {
  long all = 0;
  long with_link = 0;
  long torn = 0;
  long with_bad_labels = 0;
};
Steps steps;

// What the CPU does after every instruction while the trap flag is set.
void look(int, siginfo_t*, void*) {
  ++steps.all;
  const ThreadContext context = agent::current_thread_context();
  if (!has_link(context)) {
    return;
  }
  ++steps.with_link;
  if (!test::is_pair(context.link.trace_id.data(), context.link.span_id.data())) {
    ++steps.torn;
  }
  // Every value is its key's letter, as often as its length says; and entries fill the size.
  std::size_t at = 0;
  while (at + 2 <= context.attribute_bytes) {
    const unsigned char* entry = context.attributes + at;
    for (int i = 0; i < entry[1]; ++i) {
      if (entry[2 + i] != 'a' + entry[0] - 128) {
        ++steps.with_bad_labels;
        break;
      }
    }
    at += 2U + entry[1];
  }
  steps.with_bad_labels += at == context.attribute_bytes ? 0 : 1;
}

template <typename Writer>
Steps step_through(Writer&& writer) {
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_sigaction = look;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, &before);
  steps = {};
  __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
  writer();
  __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
  sigaction(SIGTRAP, &before, nullptr);
  return steps;
}

}  // namespace

TEST_CASE("at no instruction of attaching, changing and detaching is anything torn") {
  static const test::Pair pairs[] = {test::pair_of(1, 1), test::pair_of(1, 2), test::pair_of(1, 3)};
  static otprof_context reused;
  const std::string a(20, 'a');
  const std::string b(30, 'b');
  const std::string longer(40, 'a');
  const Steps seen = step_through([&] {
    for (const test::Pair& pair : pairs) {
      otprof_context on_stack;
      otprof_context_init(&on_stack, pair.trace_id, pair.span_id, 1);
      void* outer = otprof_attach(&on_stack);
      otprof_context_set(&on_stack, 128, a.data(), a.size());
      otprof_context_set(&on_stack, 129, b.data(), b.size());
      otprof_context_init_from_current(&reused);
      void* inner = otprof_attach(&reused);
      otprof_context_set(&reused, 128, longer.data(), longer.size());
      otprof_context_set(&reused, 128, a.data(), 3);
      for (const test::Pair& other : pairs) {
        otprof_context_set_span(&reused, other.trace_id, other.span_id, 0);
      }
      otprof_detach(inner);
      otprof_detach(outer);
    }
  });
  CHECK(seen.all > 500);
  CHECK(seen.with_link > 300);
  CHECK(seen.torn == 0);
  CHECK(seen.with_bad_labels == 0);
  CHECK(otel_thread_ctx_v1 == nullptr);
}

TEST_CASE("a writer that does not take its record out of use is caught by these tests") {
  static const test::Pair pairs[] = {test::pair_of(1, 1), test::pair_of(1, 2)};
  static otprof_context context;
  otprof_context_init(&context, pairs[0].trace_id, pairs[0].span_id, 0);
  static unsigned char other[24];
  std::memcpy(other, pairs[1].trace_id, 16);
  std::memcpy(other + 16, pairs[1].span_id, 8);
  void* before = otprof_attach(&context);
  const Steps seen = step_through([] {
    auto* to = reinterpret_cast<volatile unsigned char*>(&context);
    for (std::size_t i = 0; i < sizeof other; ++i) {
      to[i] = other[i];
    }
  });
  otprof_detach(before);
  CHECK(seen.torn > 0);
}

TEST_CASE("the header's writer: what it refuses changes nothing") {
  otprof_context context;
  otprof_context_init(&context, nullptr, nullptr, 9);
  CHECK(context.trace_flags == 0);
  CHECK(otprof_context_set(&context, OTPROF_NO_AGENT, "x", 1) == OTPROF_NO_AGENT);
  CHECK(otprof_context_set(nullptr, 128, "x", 1) == OTPROF_BAD_ARGUMENT);
  CHECK(otprof_context_set(&context, 256, "x", 1) == OTPROF_BAD_ARGUMENT);
  CHECK(otprof_context_set(&context, 128, nullptr, 1) == OTPROF_BAD_ARGUMENT);
  const std::string full(255, 'x');
  CHECK(otprof_context_set(&context, 128, full.data(), 256) == OTPROF_BAD_ARGUMENT);
  CHECK(context.attribute_bytes == 0);
  CHECK(otprof_context_set(&context, 128, full.data(), 255) == OTPROF_OK);
  CHECK(otprof_context_set(&context, 129, full.data(), 255) == OTPROF_OK);
  CHECK(otprof_context_set(&context, 130, full.data(), 97) == OTPROF_NO_ROOM);
  CHECK(otprof_context_set(&context, 130, full.data(), 96) == OTPROF_OK);
  CHECK(context.attribute_bytes == OTPROF_ATTRIBUTE_BYTES);
  CHECK(otprof_context_set(&context, 130, full.data(), 97) == OTPROF_NO_ROOM);
  CHECK(otprof_context_set(&context, 129, "short", 5) == OTPROF_OK);
  CHECK(context.attribute_bytes == OTPROF_ATTRIBUTE_BYTES - 250);
  CHECK(context.valid == 1);
}

TEST_CASE("the record of the header is that of the standard") {
  CHECK(sizeof(otprof_context) == 640);
  CHECK(offsetof(otprof_context, span_id) == 16);
  CHECK(offsetof(otprof_context, valid) == 24);
  CHECK(offsetof(otprof_context, trace_flags) == 25);
  CHECK(offsetof(otprof_context, attribute_bytes) == 26);
  CHECK(offsetof(otprof_context, attributes) == 28);
}

TEST_CASE("label scopes carry on what is there, and give it back") {
  const test::Pair pair = test::pair_of(5, 5);
  const int key = agent::context_key("own.name");
  {
    otprof::SpanScope span(pair.trace_id, pair.span_id, 1);
    span.set(key, "outer");
    {
      const otprof::LabelScope label(agent::context_key("more"), "inner");
      const ThreadContext context = agent::current_thread_context();
      CHECK(test::is_pair(context.link.trace_id.data(), context.link.span_id.data()));
      CHECK(labels_of(context).text == "own.name=outer more=inner");
    }
    CHECK(labels_of(agent::current_thread_context()).text == "own.name=outer");
  }
  CHECK(otel_thread_ctx_v1 == nullptr);
  const otprof::LabelScope alone(key, "alone");
  CHECK(!has_link(agent::current_thread_context()));
  CHECK(labels_of(agent::current_thread_context()).text == "own.name=alone");
}
