// SPDX-License-Identifier: Apache-2.0
#include "tools/read_otlp.h"

#include <algorithm>
#include <string>

#include "tools/input_error.h"
#include "tools/otlp_tables.h"
#include "tools/sample_rows.h"
#include "tools/wire_reader.h"

namespace otprof::tools {
namespace {

using encoder::Dictionary;
using encoder::Index;
using encoder::LiteralAttribute;
using encoder::Profile;

class ProfileReader {
 public:
  ProfileReader(const OtlpTables& tables, Dictionary& dictionary)
      : tables_(tables), dictionary_(dictionary) {}

  Profile read(std::string_view message) {
    Profile profile;
    profile.sample_types.resize(1);
    profile.otlp_types = {0};
    std::vector<std::uint64_t> attributes;
    WireReader reader(message);
    while (reader.next()) {
      switch (reader.field()) {
        case 1: profile.sample_types[0] = value_type(reader.bytes()); break;
        case 2: read_sample(reader.bytes()); break;
        case 3: profile.time_unix_nano = reader.fixed64(); break;
        case 4: profile.duration_nano = reader.varint(); break;
        case 5: profile.otlp_period_type = value_type(reader.bytes()); break;
        case 6: profile.period = reader.int64(); break;
        case 7: read_id(reader.bytes(), profile); break;
        case 11: reader.varints(attributes); break;
        default: break;
      }
    }
    profile.pprof_period_type = profile.otlp_period_type;
    profile.attributes = attribute_set(attributes);
    write_samples(profile);
    return profile;
  }

 private:
  struct Times {
    std::size_t row;
    std::vector<std::uint64_t> unix_nano;
  };

  encoder::ValueType value_type(std::string_view message) const {
    encoder::ValueType type;
    WireReader reader(message);
    while (reader.next()) {
      if (reader.field() == 1) {
        type.type = tables_.string(reader.varint());
      } else if (reader.field() == 2) {
        type.unit = tables_.string(reader.varint());
      }
    }
    return type;
  }

  static void read_id(std::string_view id, Profile& profile) {
    if (id.empty()) return;
    if (id.size() != profile.profile_id.size()) {
      throw InputError("a profile id of " + std::to_string(id.size()) + " bytes");
    }
    std::ranges::transform(id, profile.profile_id.begin(),
                           [](char c) { return static_cast<std::uint8_t>(c); });
  }

  Index attribute_set(const std::vector<std::uint64_t>& indices) {
    std::vector<Index> attributes;
    for (const std::uint64_t index : indices) attributes.push_back(tables_.attribute(index));
    return dictionary_.intern_attribute_set(attributes);
  }

  void read_sample(std::string_view message) {
    SampleRows::Key key;
    std::vector<std::uint64_t> attributes, values, times;
    WireReader reader(message);
    while (reader.next()) {
      switch (reader.field()) {
        case 1: key.stack = tables_.stack(reader.varint()); break;
        case 2: reader.varints(attributes); break;
        case 3: key.link = tables_.link(reader.varint()); break;
        case 4: reader.varints(values); break;
        case 5: reader.fixed64s(times); break;
        default: break;
      }
    }
    if (values.empty() && times.empty()) throw InputError("a sample without values or timestamps");
    if (!times.empty() && !values.empty() && values.size() != times.size()) {
      throw InputError("a sample with " + std::to_string(values.size()) + " values and " +
                       std::to_string(times.size()) + " timestamps");
    }
    if (times.empty() && values.size() != 1) {
      throw InputError("a sample with " + std::to_string(values.size()) +
                       " values and no timestamps");
    }
    timestamps_only_ = timestamps_only_ && values.empty();
    key.attributes = attribute_set(attributes);
    const std::size_t row = rows_.row(key);
    if (values.empty()) rows_.add(row, 0, static_cast<std::int64_t>(times.size()));
    for (const std::uint64_t value : values) rows_.add(row, 0, static_cast<std::int64_t>(value));
    if (!times.empty()) times_.push_back({row, std::move(times)});
  }

  // Equal samples were summed, so the times of one row may have come in pieces.
  void write_samples(Profile& profile) {
    std::ranges::stable_sort(times_, {}, &Times::row);
    std::size_t piece = 0;
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      const SampleRows::Key& key = rows_.key(row);
      encoder::Sample sample{.stack = key.stack, .attributes = key.attributes, .link = key.link};
      sample.first_timestamp = static_cast<std::uint32_t>(profile.timestamps.size());
      for (; piece < times_.size() && times_[piece].row == row; ++piece) {
        const std::vector<std::uint64_t>& times = times_[piece].unix_nano;
        profile.timestamps.insert(profile.timestamps.end(), times.begin(), times.end());
      }
      sample.timestamp_count =
          static_cast<std::uint32_t>(profile.timestamps.size()) - sample.first_timestamp;
      profile.samples.push_back(sample);
      profile.values.push_back(rows_.value(row, 0));
    }
    profile.counted_type = timestamps_only_ && !profile.samples.empty() ? 0 : -1;
    rows_ = {};
    times_.clear();
    timestamps_only_ = true;
  }

  const OtlpTables& tables_;
  Dictionary& dictionary_;
  SampleRows rows_;
  std::vector<Times> times_;
  bool timestamps_only_ = true;
};

class RequestReader {
 public:
  RequestReader(const OtlpTables& tables, const Dictionary& dictionary, ProfileReader& profiles)
      : tables_(tables), dictionary_(dictionary), profiles_(profiles) {}

  void read_resource_profiles(std::string_view message) {
    encoder::Resource resource;
    std::vector<std::string_view> scopes;
    WireReader fields(message);
    while (fields.next()) {
      switch (fields.field()) {
        case 1: resource.attributes = literal_attributes(fields.bytes(), 1); break;
        case 2: scopes.push_back(fields.bytes()); break;
        case 3: resource.schema_url = fields.bytes(); break;
        default: break;
      }
    }
    request_.resources.push_back(std::move(resource));
    for (const std::string_view scope : scopes) read_scope_profiles(scope);
  }

  OtlpRequest take() { return std::move(request_); }

 private:
  // Resource and scope attributes stand here by value, though other senders may use the tables.
  std::vector<LiteralAttribute> literal_attributes(std::string_view message, std::uint32_t field) {
    std::vector<LiteralAttribute> attributes;
    WireReader fields(message);
    while (fields.next()) {
      if (fields.field() == field) attributes.push_back(literal_attribute(fields.bytes()));
    }
    return attributes;
  }

  LiteralAttribute literal_attribute(std::string_view message) {
    LiteralAttribute attribute;
    WireReader fields(message);
    while (fields.next()) {
      switch (fields.field()) {
        case 1: attribute.key = fields.bytes(); break;
        case 2: {
          const auto value = tables_.value(fields.bytes());
          if (const Index* text = std::get_if<Index>(&value)) {
            attribute.value = std::string(dictionary_.string(*text));
          } else {
            attribute.value = std::get<std::int64_t>(value);
          }
          break;
        }
        case 3: {
          const Index key = tables_.string(fields.varint());
          if (key != 0) attribute.key = dictionary_.string(key);
          break;
        }
        default: break;
      }
    }
    return attribute;
  }

  void read_scope(std::string_view message, encoder::Scope& scope) {
    WireReader fields(message);
    while (fields.next()) {
      if (fields.field() == 1) {
        scope.name = fields.bytes();
      } else if (fields.field() == 2) {
        scope.version = fields.bytes();
      }
    }
    scope.attributes = literal_attributes(message, 3);
  }

  void read_scope_profiles(std::string_view message) {
    encoder::Scope scope;
    std::vector<std::string_view> profiles;
    WireReader fields(message);
    while (fields.next()) {
      if (fields.field() == 1) {
        read_scope(fields.bytes(), scope);
      } else if (fields.field() == 2) {
        profiles.push_back(fields.bytes());
      }
    }
    request_.scopes.push_back(std::move(scope));
    for (const std::string_view profile : profiles) {
      OtlpProfile read{.resource = request_.resources.size() - 1,
                       .scope = request_.scopes.size() - 1,
                       .profile = profiles_.read(profile)};
      if (read.profile.samples.empty()) continue;
      if (request_.profiles.size() == kMaxProfilesPerRequest) {
        throw InputError("more than " + std::to_string(kMaxProfilesPerRequest) + " profiles");
      }
      request_.profiles.push_back(std::move(read));
    }
  }

  const OtlpTables& tables_;
  const Dictionary& dictionary_;
  ProfileReader& profiles_;
  OtlpRequest request_;
};

}  // namespace

OtlpRequest read_otlp(std::string_view message, Dictionary& dictionary) {
  std::vector<std::string_view> resource_profiles;
  std::string_view tables_message;
  WireReader fields(message);
  while (fields.next()) {
    if (fields.field() == 1) {
      resource_profiles.push_back(fields.bytes());
    } else if (fields.field() == 2) {
      tables_message = fields.bytes();
    }
  }
  const OtlpTables tables(tables_message, dictionary);
  ProfileReader profiles(tables, dictionary);
  RequestReader reader(tables, dictionary, profiles);
  for (const std::string_view resource : resource_profiles) reader.read_resource_profiles(resource);
  return reader.take();
}

}  // namespace otprof::tools
