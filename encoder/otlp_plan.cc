// SPDX-License-Identifier: Apache-2.0
//
// Splits profiles into requests. Sizes are upper bounds that do not depend on how a request numbers
// its entries: an index takes at most as many bytes as the last index of its table here. That makes
// one pass enough: what a sample adds is known before it is added, and when it does not fit, nothing
// has to be taken back; the next request starts with an empty dictionary.
#include <algorithm>

#include "encoder/otlp.h"
#include "encoder/otlp_reach.h"
#include "encoder/wire.h"

namespace otprof::encoder {
namespace {

// The key and value of a varint field whose value takes `size` bytes, or has that value.
constexpr std::size_t sized_varint_field(std::size_t size) { return 1 + size; }
constexpr std::size_t varint_field(std::uint64_t value) {
  return value == 0 ? 0 : sized_varint_field(varint_size(value));  // proto3 omits a 0
}
constexpr std::size_t varint_field(std::int64_t value) {
  return varint_field(static_cast<std::uint64_t>(value));
}

// A field of packed indices.
constexpr std::size_t packed_field(std::size_t count, std::size_t index_size) {
  return count == 0 ? 0 : field_size(count * index_size);
}

// Lengths are counted with the most bytes that they can take in a message below 32 GiB.
constexpr std::size_t kLengthSize = 5;
constexpr std::size_t kProfileIdField = 18;
constexpr std::size_t kTimeField = 9;

class CountingSink final : public ByteSink {
 public:
  bool write(const void*, std::size_t size) override {
    size_ += size;
    return true;
  }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

// Upper bounds for what one dictionary's entries, headers and samples take in a request.
class SizeBounds {
 public:
  explicit SizeBounds(const Dictionary& dictionary) : dictionary_(dictionary) {
    for (std::size_t table = 0; table < kOtlpTables; ++table) {
      index_size_[table] = varint_size(table_size(dictionary, static_cast<OtlpTable>(table)) - 1);
    }
  }

  std::size_t entry(OtlpTable table, Index index) const;
  std::size_t header(const Profile& profile) const;
  std::size_t sample(const Profile& profile, std::size_t sample, std::uint32_t type) const;

 private:
  std::size_t index_size(OtlpTable table) const {
    return index_size_[static_cast<std::size_t>(table)];
  }
  std::size_t index_field(OtlpTable table, Index index) const {
    return index == 0 ? 0 : sized_varint_field(index_size(table));
  }
  std::size_t attributes_field(std::size_t count) const {
    return packed_field(count, index_size(OtlpTable::kAttributes));
  }
  std::size_t attribute_set_field(Index set) const {
    return attributes_field(dictionary_.attribute_sets()[set].attributes.size());
  }
  std::size_t mapping(const Mapping& mapping) const;
  std::size_t function(const Function& function) const;
  std::size_t location(const Location& location) const;
  std::size_t attribute(const Attribute& attribute) const;

  const Dictionary& dictionary_;
  std::array<std::size_t, kOtlpTables> index_size_{};
};

std::size_t SizeBounds::mapping(const Mapping& mapping) const {
  return varint_field(mapping.memory_start) + varint_field(mapping.memory_limit) +
         varint_field(mapping.file_offset) + index_field(OtlpTable::kStrings, mapping.filename) +
         attributes_field(2);
}

std::size_t SizeBounds::function(const Function& function) const {
  return index_field(OtlpTable::kStrings, function.name) +
         index_field(OtlpTable::kStrings, function.system_name) +
         index_field(OtlpTable::kStrings, function.filename) + varint_field(function.start_line);
}

std::size_t SizeBounds::location(const Location& location) const {
  std::size_t size = index_field(OtlpTable::kMappings, location.mapping) +
                     varint_field(location.address) + attributes_field(1);
  for (const Line& line : location.lines) {
    size += field_size(index_field(OtlpTable::kFunctions, line.function) + varint_field(line.line) +
                       varint_field(line.column));
  }
  return size;
}

std::size_t SizeBounds::attribute(const Attribute& attribute) const {
  const std::int64_t* const number = std::get_if<std::int64_t>(&attribute.value);
  const std::size_t value =
      number != nullptr
          ? sized_varint_field(varint_size(static_cast<std::uint64_t>(*number)))
          : field_size(dictionary_.string(*std::get_if<Index>(&attribute.value)).size());
  return index_field(OtlpTable::kStrings, attribute.key) +
         index_field(OtlpTable::kStrings, attribute.unit) + field_size(value);
}

std::size_t SizeBounds::entry(OtlpTable table, Index index) const {
  switch (table) {
    case OtlpTable::kStrings: return field_size(dictionary_.string(index).size());
    case OtlpTable::kMappings: return field_size(mapping(dictionary_.mappings()[index]));
    case OtlpTable::kFunctions: return field_size(function(dictionary_.functions()[index]));
    case OtlpTable::kLocations: return field_size(location(dictionary_.locations()[index]));
    case OtlpTable::kStacks:
      return field_size(packed_field(dictionary_.stacks()[index].locations.size(),
                                     index_size(OtlpTable::kLocations)));
    case OtlpTable::kLinks: return field_size(field_size(16) + field_size(8));
    case OtlpTable::kAttributes: return field_size(attribute(dictionary_.attributes()[index]));
  }
  return 0;
}

std::size_t SizeBounds::header(const Profile& profile) const {
  const std::size_t value_type =
      field_size(2 * sized_varint_field(index_size(OtlpTable::kStrings)));
  return 1 + kLengthSize + 2 * value_type + kTimeField + varint_field(profile.duration_nano) +
         varint_field(profile.period) + kProfileIdField + attribute_set_field(profile.attributes);
}

std::size_t SizeBounds::sample(const Profile& profile, std::size_t sample_index,
                               std::uint32_t type) const {
  const Sample& sample = profile.samples[sample_index];
  const std::size_t value = field_size(varint_size(static_cast<std::uint64_t>(
      profile.values[sample_index * profile.sample_types.size() + type])));
  const std::size_t timestamps = static_cast<int>(type) == profile.counted_type
                                     ? field_size(sample.timestamp_count * sizeof(std::uint64_t))
                                     : 0;
  return field_size(index_field(OtlpTable::kStacks, sample.stack) +
                    attribute_set_field(sample.attributes) +
                    index_field(OtlpTable::kLinks, sample.link) + std::max(value, timestamps));
}

class Planner {
 public:
  Planner(const Dictionary& dictionary, std::size_t fixed_size, const RequestLimits& limits)
      : dictionary_(dictionary), bounds_(dictionary), fixed_size_(fixed_size), limits_(limits) {
    for (std::size_t table = 0; table < kOtlpTables; ++table) {
      in_request_[table].resize(table_size(dictionary, static_cast<OtlpTable>(table)));
    }
    start_request();
  }

  void add_profile(const Profile& profile);
  std::size_t oversized() const { return oversized_; }
  std::vector<Request> take() {
    start_request();
    return std::move(requests_);
  }

  // For OtlpReach.
  bool operator()(OtlpTable table, Index entry) {
    std::uint32_t& seen = in_request_[static_cast<std::size_t>(table)][entry];
    if (entry == 0 || seen == request_number_) return false;
    seen = request_number_;
    dictionary_size_ += bounds_.entry(table, entry);
    return true;
  }

 private:
  void start_request();
  void start_slice(const Profile& profile, std::size_t first);
  bool add_sample(const Profile& profile, std::size_t sample);

  const Dictionary& dictionary_;
  const SizeBounds bounds_;
  const std::size_t fixed_size_;
  const RequestLimits& limits_;
  std::vector<Request> requests_;
  std::size_t oversized_ = 0;

  // The request being filled. An entry is in it if it is marked with its number.
  Request request_;
  std::uint32_t request_number_ = 0;
  std::array<std::vector<std::uint32_t>, kOtlpTables> in_request_;
  std::size_t dictionary_size_ = 0;
  std::size_t messages_size_ = 0;     // of all finished slices
  std::size_t largest_finished_ = 0;  // the largest Profile message of a finished slice
  // The Profile messages of the last slice, by otlp_types.
  std::vector<std::size_t> slice_messages_;
};

void Planner::start_request() {
  if (!request_.empty()) requests_.push_back(std::move(request_));
  request_.clear();
  ++request_number_;
  dictionary_size_ = 0;
  messages_size_ = 0;
  largest_finished_ = 0;
  slice_messages_.clear();
}

void Planner::start_slice(const Profile& profile, std::size_t first) {
  for (const std::size_t size : slice_messages_) {
    messages_size_ += size;
    largest_finished_ = std::max(largest_finished_, size);
  }
  slice_messages_.assign(profile.otlp_types.size(), bounds_.header(profile));
  request_.push_back({.profile = &profile, .first = first, .count = 0});
  OtlpReach reach(dictionary_, *this);
  for (const std::uint32_t type : profile.otlp_types) reach.header(profile, type);
}

// Adds the sample to the last slice; false if the request would then exceed the limits, in which
// case it must not grow any more: its sizes count the sample already.
bool Planner::add_sample(const Profile& profile, std::size_t sample) {
  OtlpReach(dictionary_, *this).sample(profile.samples[sample]);
  std::size_t request_size = fixed_size_ + dictionary_size_ + messages_size_;
  std::size_t largest = largest_finished_;
  for (std::size_t i = 0; i < slice_messages_.size(); ++i) {
    slice_messages_[i] += bounds_.sample(profile, sample, profile.otlp_types[i]);
    request_size += slice_messages_[i];
    largest = std::max(largest, slice_messages_[i]);
  }
  ProfileSlice& slice = request_.back();
  if (request_size > limits_.request_bytes ||
      fixed_size_ + dictionary_size_ + largest > limits_.profile_bytes ||
      slice.count == limits_.profile_samples) {
    if (slice.count == 0) request_.pop_back();
    return false;
  }
  ++slice.count;
  return true;
}

void Planner::add_profile(const Profile& profile) {
  if (profile.otlp_types.empty()) return;
  bool slice_open = false;
  for (std::size_t sample = 0; sample < profile.samples.size(); ++sample) {
    if (!slice_open) start_slice(profile, sample);
    slice_open = add_sample(profile, sample);
    if (slice_open) continue;
    start_request();
    start_slice(profile, sample);
    slice_open = add_sample(profile, sample);
    if (slice_open) continue;
    ++oversized_;
    start_request();
  }
}

}  // namespace

std::vector<Request> plan_requests(const Dictionary& dictionary, const Resource& resource,
                                   const Scope& scope, std::span<const Profile> profiles,
                                   const RequestLimits& limits, std::size_t& oversized_samples) {
  CountingSink empty_request;
  encode_otlp(dictionary, resource, scope, {}, {}, empty_request);
  // Resource, scope and zero entries, and what the lengths around them may still grow by.
  const std::size_t fixed_size = empty_request.size() + 3 * kLengthSize;
  Planner planner(dictionary, fixed_size, limits);
  for (const Profile& profile : profiles) planner.add_profile(profile);
  oversized_samples = planner.oversized();
  return planner.take();
}

}  // namespace otprof::encoder
