// SPDX-License-Identifier: Apache-2.0
//
// The model every profile has before it becomes bytes: one Dictionary of interned tables, and
// Profiles whose samples refer to it by index. The window fills it, the pprof and OTLP encoders
// read it, the command's file readers produce it again.
//
// Promises: index 0 of every table is the zero entry and means "unset"; no table ever holds two
// equal entries (Dictionary interns by value); an index is valid for the Dictionary that gave it.
// A span inside an entry that a Dictionary returned points into that Dictionary's storage, which
// never moves: it is valid as long as the Dictionary lives, moves of the Dictionary included. A span
// inside an entry that is handed to intern_*() is copied, so the caller's memory may be temporary.
// May be called from any one thread at a time; never from a signal handler or a malloc hook (it
// allocates).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace otprof::encoder {

using Index = std::uint32_t;  // into a table of the Dictionary; 0 = unset

// A value's kind and unit, both words as in pprof and OTLP profiles ("cpu", "nanoseconds").
struct ValueType {
  Index type = 0;  // string
  Index unit = 0;  // string
};

// One loaded range of a file. Addresses are the process's own, start inclusive, limit exclusive.
struct Mapping {
  std::uint64_t memory_start = 0;
  std::uint64_t memory_limit = 0;
  std::uint64_t file_offset = 0;
  Index filename = 0;      // string
  Index build_id_gnu = 0;  // string, lower-case hex of the GNU build-id note; 0 if it has none
  // string, 32 hex digits: the first half of SHA-256 over the file's first 4096 bytes, its last 4096
  // bytes and its length as 8 bytes big-endian (OpenTelemetry profiles, mappings)
  Index build_id_htl = 0;
  bool operator==(const Mapping&) const = default;
};

struct Function {
  Index name = 0;         // string, demangled
  Index system_name = 0;  // string, as in the symbol table
  Index filename = 0;     // string
  std::int64_t start_line = 0;
  bool operator==(const Function&) const = default;
};

struct Line {
  Index function = 0;
  std::int64_t line = 0;
  std::int64_t column = 0;
  bool operator==(const Line&) const = default;
};

// One address. `address` lies inside the instruction to attribute: the interrupted instruction for
// a leaf, return address - 1 for a caller (the unwinder has already subtracted). Innermost inlined
// function first in `lines`; empty when nothing is known.
struct Location {
  Index mapping = 0;
  std::uint64_t address = 0;
  Index frame_type = 0;  // string: "native", "kernel"
  std::span<const Line> lines = {};
};

// Leaf first.
struct Stack {
  std::span<const Index> locations = {};
};

// The trace and span that were active, raw W3C bytes.
struct Link {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  bool operator==(const Link&) const = default;
};

// One key with a string or an integer value; `unit` as in UCUM ("By", "ns") or unset.
struct Attribute {
  Index key = 0;                            // string
  std::variant<Index, std::int64_t> value;  // Index: a string; int64: a number
  Index unit = 0;                           // string
  bool operator==(const Attribute&) const = default;
};

// Sorted by attribute index, at most one entry per key.
struct AttributeSet {
  std::span<const Index> attributes = {};
};

struct Sample {
  Index stack = 0;
  Index attributes = 0;  // an AttributeSet
  Index link = 0;
  std::uint32_t first_timestamp = 0;  // into Profile::timestamps
  std::uint32_t timestamp_count = 0;  // how many events; 0 when the profile keeps no times
};

// One kind of profile (CPU, heap). Samples are unique by {stack, attributes, link}.
// `values` is flat: values[sample * sample_types.size() + type].
struct Profile {
  std::vector<ValueType> sample_types;
  // Which of sample_types OTLP gets one Profile each for, most important first. pprof gets all.
  std::vector<std::uint32_t> otlp_types;
  // The type whose values count the timestamps (samples/count), or -1. With timestamps present, its
  // OTLP Profile is written timestamps-only: a sample of value n has n timestamps.
  int counted_type = -1;
  std::uint32_t default_type = 0;  // index into sample_types
  ValueType pprof_period_type;
  ValueType otlp_period_type;
  std::int64_t period = 0;  // in the unit of the period type, > 0
  std::uint64_t time_unix_nano = 0;
  std::uint64_t duration_nano = 0;
  std::array<std::uint8_t, 16> profile_id{};  // all zero: none
  Index attributes = 0;                       // an AttributeSet about the whole profile
  std::vector<Index> comments;                // strings, pprof only
  std::vector<Sample> samples;
  std::vector<std::int64_t> values;
  std::vector<std::uint64_t> timestamps;  // unix ns, within [time, time + duration)
};

// A resource or scope attribute, written literally (never by index: several backends lose or
// refuse interned ones).
struct LiteralAttribute {
  std::string key;
  std::variant<std::string, std::int64_t> value;
};

struct Resource {
  std::vector<LiteralAttribute> attributes;
  std::uint32_t dropped_attributes = 0;  // how many there was no room for
  std::string schema_url;
};

struct Scope {
  std::string name;
  std::string version;
  std::vector<LiteralAttribute> attributes;
};

}  // namespace otprof::encoder
