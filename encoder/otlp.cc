// SPDX-License-Identifier: Apache-2.0
#include "encoder/otlp.h"

#include <algorithm>
#include <cstring>

#include "encoder/hash_index.h"
#include "encoder/otlp.pb.h"
#include "encoder/otlp_tables.h"
#include "encoder/utf8.h"
#include "encoder/wire.h"

namespace otprof::encoder {
namespace {

using ProfileId = std::array<std::uint8_t, 16>;

// One OTLP Profile message: one type of one slice.
struct OutProfile {
  const ProfileSlice* slice = nullptr;
  const OriginalPayload* payload = nullptr;
  std::uint32_t type = 0;
  bool timestamps_only = false;
  ProfileId id{};
  std::size_t size = 0;
};

// Timestamps stand for values only if every sample has as many as it counts: otherwise events would
// be lost or invented, or samples of one Profile differ in shape.
bool timestamps_tell_counts(const Profile& profile) {
  if (profile.counted_type < 0 || profile.timestamps.empty()) return false;
  const std::size_t types = profile.sample_types.size();
  std::size_t at = static_cast<std::size_t>(profile.counted_type);
  for (const Sample& sample : profile.samples) {
    if (sample.timestamp_count == 0 || profile.values[at] != sample.timestamp_count) return false;
    at += types;
  }
  return true;
}

// Receivers take a profile id for the identity of one Profile message, over all requests. The most
// important type of the first slice keeps the profile's own id.
ProfileId profile_id(const ProfileSlice& slice, std::uint32_t type) {
  const Profile& profile = *slice.profile;
  ProfileId id = profile.profile_id;
  if (id == ProfileId{} || (slice.first == 0 && type == profile.otlp_types.front())) return id;
  std::array<std::uint64_t, 2> halves{};
  static_assert(sizeof halves == sizeof id);
  std::memcpy(halves.data(), id.data(), sizeof halves);
  std::uint64_t hash = hash_mix(type + 1, slice.first);
  for (std::uint64_t& half : halves) {
    hash = hash_mix(hash, half);
    hash ^= hash >> 32;
    half = hash_mix(hash, half);
  }
  if (halves[0] == 0 && halves[1] == 0) halves[1] = 1;  // all zero is not a valid id
  std::memcpy(id.data(), halves.data(), sizeof id);
  return id;
}

bool encode_text(pb_ostream_t* stream, const pb_field_t* field, std::string_view text) {
  if (text.empty()) return true;
  if (is_utf8(text)) return encode_string(stream, field, text);
  return encode_string(stream, field, sanitise_utf8(text));
}

bool encode_attribute(pb_ostream_t* stream, const pb_field_t* field,
                      const LiteralAttribute& attribute) {
  auto key = [&](pb_ostream_t* to, const pb_field_t* in) {
    return encode_text(to, in, attribute.key);
  };
  auto text = [&](pb_ostream_t* to, const pb_field_t* in) {
    const std::string& value = *std::get_if<std::string>(&attribute.value);
    // Empty, too: a value has to be set.
    return encode_string(to, in, is_utf8(value) ? value : sanitise_utf8(value));
  };
  otlp_KeyValue message{};
  message.key = field_callback(key);
  message.has_value = true;
  if (const std::int64_t* number = std::get_if<std::int64_t>(&attribute.value)) {
    message.value.has_int_value = true;
    message.value.int_value = *number;
  } else {
    message.value.string_value = field_callback(text);
  }
  return encode_message(stream, field, otlp_KeyValue_fields, &message);
}

bool encode_attributes(pb_ostream_t* stream, const pb_field_t* field,
                       std::span<const LiteralAttribute> attributes) {
  return std::ranges::all_of(attributes, [&](const LiteralAttribute& attribute) {
    return encode_attribute(stream, field, attribute);
  });
}

bool encode_timestamps(pb_ostream_t* stream, const pb_field_t* field,
                       std::span<const std::uint64_t> timestamps) {
  static_assert(std::endian::native == std::endian::little, "fixed64 is little-endian");
  return encode_string(
      stream, field,
      std::string_view(reinterpret_cast<const char*>(timestamps.data()), timestamps.size_bytes()));
}

class RequestEncoder {
 public:
  RequestEncoder(const Dictionary& dictionary, const Resource& resource, const Scope& scope,
                 const Request& request, std::span<const OriginalPayload> payloads)
      : resource_(resource), scope_(scope), tables_(dictionary) {
    for (std::size_t i = 0; i < request.size(); ++i) {
      if (request[i].count == 0) continue;
      add_slice(request[i], payloads.empty() ? nullptr : &payloads[i]);
    }
  }

  bool encode(ByteSink& sink);

 private:
  void add_slice(const ProfileSlice& slice, const OriginalPayload* payload);
  bool encode_sample(pb_ostream_t* stream, const pb_field_t* field, const OutProfile& out,
                     std::size_t sample) const;

  // Each calls `use` with the message; it is valid during the call only.
  template <class Use>
  auto with_profile(const OutProfile& out, const Use& use) const;
  template <class Use>
  auto with_scope_profiles(const Use& use) const;
  template <class Use>
  auto with_resource_profiles(const Use& use) const;

  const Resource& resource_;
  const Scope& scope_;
  OtlpTables tables_;
  std::vector<OutProfile> profiles_;
  std::size_t scope_profiles_size_ = 0;
  std::size_t resource_profiles_size_ = 0;
};

void RequestEncoder::add_slice(const ProfileSlice& slice, const OriginalPayload* payload) {
  const Profile& profile = *slice.profile;
  const bool timestamps = timestamps_tell_counts(profile);
  for (const std::uint32_t type : profile.otlp_types) {
    tables_.add_header(profile, type);
    profiles_.push_back(
        {.slice = &slice,
         .payload = payload,
         .type = type,
         .timestamps_only = timestamps && static_cast<int>(type) == profile.counted_type,
         .id = profile_id(slice, type)});
    payload = nullptr;  // only the slice's first Profile carries it
  }
  if (profile.otlp_types.empty()) return;
  for (const Sample& sample : std::span(profile.samples).subspan(slice.first, slice.count)) {
    tables_.add_sample(sample);
  }
}

bool RequestEncoder::encode_sample(pb_ostream_t* stream, const pb_field_t* field,
                                   const OutProfile& out, std::size_t sample_index) const {
  const Profile& profile = *out.slice->profile;
  const Sample& sample = profile.samples[sample_index];
  auto attributes = [&](pb_ostream_t* to, const pb_field_t* in) {
    return tables_.encode_attribute_indices(to, in, sample.attributes);
  };
  auto values = [&](pb_ostream_t* to, const pb_field_t* in) {
    const std::size_t at = sample_index * profile.sample_types.size() + out.type;
    return encode_packed(to, in, std::span(profile.values).subspan(at, 1),
                         [](std::int64_t value) { return static_cast<std::uint64_t>(value); });
  };
  auto timestamps = [&](pb_ostream_t* to, const pb_field_t* in) {
    return encode_timestamps(
        to, in,
        std::span(profile.timestamps).subspan(sample.first_timestamp, sample.timestamp_count));
  };
  otlp_Sample message{};
  message.stack_index = tables_.index(OtlpTable::kStacks, sample.stack);
  message.attribute_indices = field_callback(attributes);
  message.link_index = tables_.index(OtlpTable::kLinks, sample.link);
  if (out.timestamps_only) {
    message.timestamps_unix_nano = field_callback(timestamps);
  } else {
    message.values = field_callback(values);
  }
  return encode_message(stream, field, otlp_Sample_fields, &message);
}

template <class Use>
auto RequestEncoder::with_profile(const OutProfile& out, const Use& use) const {
  const Profile& profile = *out.slice->profile;
  auto samples = [&](pb_ostream_t* stream, const pb_field_t* field) {
    for (std::size_t i = 0; i < out.slice->count; ++i) {
      if (!encode_sample(stream, field, out, out.slice->first + i)) return false;
    }
    return true;
  };
  auto id = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return encode_string(
        stream, field,
        std::string_view(reinterpret_cast<const char*>(out.id.data()), out.id.size()));
  };
  auto payload_format = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return encode_text(stream, field, out.payload->format);
  };
  auto payload = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return encode_string(stream, field, out.payload->bytes);
  };
  auto attributes = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return tables_.encode_attribute_indices(stream, field, profile.attributes);
  };
  otlp_Profile message{};
  message.has_sample_type = true;
  message.sample_type = tables_.value_type(profile.sample_types[out.type]);
  message.samples = field_callback(samples);
  message.time_unix_nano = profile.time_unix_nano;
  message.duration_nano = profile.duration_nano;
  message.has_period_type = true;
  message.period_type = tables_.value_type(profile.otlp_period_type);
  message.period = profile.period;
  if (out.id != ProfileId{}) message.profile_id = field_callback(id);
  if (out.payload != nullptr && !out.payload->format.empty() && !out.payload->bytes.empty()) {
    message.original_payload_format = field_callback(payload_format);
    message.original_payload = field_callback(payload);
  }
  message.attribute_indices = field_callback(attributes);
  return use(message);
}

template <class Use>
auto RequestEncoder::with_scope_profiles(const Use& use) const {
  auto name = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return encode_text(stream, field, scope_.name);
  };
  auto version = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return encode_text(stream, field, scope_.version);
  };
  auto attributes = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return encode_attributes(stream, field, scope_.attributes);
  };
  auto profiles = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return std::ranges::all_of(profiles_, [&](const OutProfile& out) {
      return with_profile(out, [&](const otlp_Profile& message) {
        return encode_sized_message(stream, field, otlp_Profile_fields, &message, out.size);
      });
    });
  };
  otlp_ScopeProfiles message{};
  message.has_scope = true;
  message.scope.name = field_callback(name);
  message.scope.version = field_callback(version);
  message.scope.attributes = field_callback(attributes);
  message.profiles = field_callback(profiles);
  return use(message);
}

template <class Use>
auto RequestEncoder::with_resource_profiles(const Use& use) const {
  auto attributes = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return encode_attributes(stream, field, resource_.attributes);
  };
  auto scope_profiles = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return with_scope_profiles([&](const otlp_ScopeProfiles& message) {
      return encode_sized_message(stream, field, otlp_ScopeProfiles_fields, &message,
                                  scope_profiles_size_);
    });
  };
  auto schema_url = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return encode_text(stream, field, resource_.schema_url);
  };
  otlp_ResourceProfiles message{};
  message.has_resource = true;
  message.resource.attributes = field_callback(attributes);
  message.resource.dropped_attributes_count = resource_.dropped_attributes;
  message.scope_profiles = field_callback(scope_profiles);
  message.schema_url = field_callback(schema_url);
  return use(message);
}

bool RequestEncoder::encode(ByteSink& sink) {
  // Innermost first, so that every message is sized once.
  for (OutProfile& out : profiles_) {
    with_profile(out, [&](const otlp_Profile& message) {
      return pb_get_encoded_size(&out.size, otlp_Profile_fields, &message);
    });
  }
  with_scope_profiles([&](const otlp_ScopeProfiles& message) {
    return pb_get_encoded_size(&scope_profiles_size_, otlp_ScopeProfiles_fields, &message);
  });
  with_resource_profiles([&](const otlp_ResourceProfiles& message) {
    return pb_get_encoded_size(&resource_profiles_size_, otlp_ResourceProfiles_fields, &message);
  });
  auto resource_profiles = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return with_resource_profiles([&](const otlp_ResourceProfiles& message) {
      return encode_sized_message(stream, field, otlp_ResourceProfiles_fields, &message,
                                  resource_profiles_size_);
    });
  };
  return tables_.with_message([&](const otlp_ProfilesDictionary& dictionary) {
    otlp_ExportProfilesServiceRequest message{};
    message.resource_profiles = field_callback(resource_profiles);
    message.has_dictionary = true;
    message.dictionary = dictionary;
    return SinkStream(sink).encode(otlp_ExportProfilesServiceRequest_fields, &message);
  });
}

}  // namespace

bool encode_otlp(const Dictionary& dictionary, const Resource& resource, const Scope& scope,
                 const Request& request, std::span<const OriginalPayload> payloads,
                 ByteSink& sink) {
  return RequestEncoder(dictionary, resource, scope, request, payloads).encode(sink);
}

}  // namespace otprof::encoder
