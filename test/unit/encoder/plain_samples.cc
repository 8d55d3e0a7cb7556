// SPDX-License-Identifier: Apache-2.0
#include "test/unit/encoder/plain_samples.h"

#include <algorithm>
#include <concepts>

#include "test/unit/encoder/wire_reader.h"

namespace otprof::test {
namespace {

using encoder::Dictionary;
using encoder::Index;
using encoder::Profile;
using encoder::Sample;

std::string hex(const auto& bytes) {
  std::string text;
  for (const auto byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text += "0123456789abcdef"[value >> 4];
    text += "0123456789abcdef"[value & 15];
  }
  return text;
}

std::string join(std::vector<std::string> parts) {
  std::ranges::sort(parts);
  std::string text;
  for (const std::string& part : parts) text += part + ";";
  return text;
}

std::string part(std::string_view text) { return std::string(text); }
std::string part(std::integral auto number) { return std::to_string(number); }

template <class... Parts>
std::string text(const Parts&... parts) {
  std::string joined;
  ((joined += part(parts), joined += '|'), ...);
  return joined;
}

std::int64_t as_signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }

// ---- The model ----

std::string model_lines(const Dictionary& d, const encoder::Location& location, bool with_empty) {
  std::string lines;
  for (const encoder::Line& line : location.lines) {
    if (line.function == 0 && !with_empty) continue;
    const encoder::Function& f = d.functions()[line.function];
    lines += text("line", d.string(f.name), d.string(f.system_name), d.string(f.filename),
                  f.start_line, line.line, line.column);
  }
  return lines;
}

std::string model_stack(const Dictionary& d, Index stack, bool otlp) {
  std::string frames;
  for (const Index index : d.stacks()[stack].locations) {
    const encoder::Location& location = d.locations()[index];
    const encoder::Mapping& m = d.mappings()[location.mapping];
    frames += text("at", location.address, m.memory_start, m.memory_limit, m.file_offset,
                   d.string(m.filename), d.string(m.build_id_gnu));
    if (otlp) frames += text(d.string(m.build_id_htl), d.string(location.frame_type));
    frames += model_lines(d, location, otlp);
  }
  return frames;
}

std::string model_otlp_attributes(const Dictionary& d, Index set) {
  std::vector<std::string> parts;
  for (const Index index : d.attribute_sets()[set].attributes) {
    const encoder::Attribute& a = d.attributes()[index];
    const Index* const string = std::get_if<Index>(&a.value);
    parts.push_back(
        string != nullptr
            ? text(d.string(a.key), "s", d.string(*string), d.string(a.unit))
            : text(d.string(a.key), "i", std::get<std::int64_t>(a.value), d.string(a.unit)));
  }
  return join(parts);
}

std::string model_pprof_labels(const Dictionary& d, const Sample& sample) {
  std::vector<std::string> parts;
  if (sample.link != 0) {
    parts.push_back(text("trace_id", "s", hex(d.links()[sample.link].trace_id), ""));
    parts.push_back(text("span_id", "s", hex(d.links()[sample.link].span_id), ""));
  }
  for (const Index index : d.attribute_sets()[sample.attributes].attributes) {
    const encoder::Attribute& a = d.attributes()[index];
    const std::string_view key = d.string(a.key);
    const bool of_link = sample.link != 0 && (key == "trace_id" || key == "span_id");
    if (of_link || key.starts_with("pprof::")) continue;
    if (const Index* const string = std::get_if<Index>(&a.value)) {
      if (*string != 0) parts.push_back(text(key, "s", d.string(*string), ""));
      continue;
    }
    const std::int64_t number = std::get<std::int64_t>(a.value);
    std::string_view unit = d.string(a.unit);
    if (unit == "By") unit = "bytes";
    if (unit.empty() && number == 0) unit = key;
    parts.push_back(text(key, "i", number, unit));
  }
  return join(parts);
}

// ---- OTLP bytes ----

class OtlpReader {
 public:
  explicit OtlpReader(std::string_view request)
      : request_(request),
        dictionary_(request_.message(2)),
        mappings_(dictionary_.messages(1)),
        locations_(dictionary_.messages(2)),
        functions_(dictionary_.messages(3)),
        links_(dictionary_.messages(4)),
        strings_(dictionary_.all(5)),
        attributes_(dictionary_.messages(6)),
        stacks_(dictionary_.messages(7)) {}

  PlainSamples samples(std::string_view wanted_type) const {
    PlainSamples found;
    for (const WireMessage& resource : request_.messages(1)) {
      for (const WireMessage& scope : resource.messages(2)) {
        for (const WireMessage& profile : scope.messages(2)) {
          const WireMessage type = profile.message(1);
          const std::string name = string(type.number(1)) + "/" + string(type.number(2));
          if (name != wanted_type) continue;
          for (const WireMessage& sample : profile.messages(2)) found.push_back(plain(sample));
        }
      }
    }
    std::ranges::sort(found);
    return found;
  }

 private:
  const std::string& string(std::uint64_t index) const { return strings_.at(index).bytes; }

  std::string attribute(std::uint64_t index) const {
    const WireMessage& entry = attributes_.at(index);
    const WireMessage value = entry.message(2);
    const std::string& unit = string(entry.number(3));
    if (value.has(1)) return text(string(entry.number(1)), "s", value.bytes(1), unit);
    if (value.has(3)) return text(string(entry.number(1)), "i", as_signed(value.number(3)), unit);
    return "attribute without value";
  }

  std::string attribute_value(const std::vector<std::uint64_t>& set, std::string_view key) const {
    for (const std::uint64_t index : set) {
      const WireMessage& entry = attributes_.at(index);
      if (string(entry.number(1)) == key) return entry.message(2).bytes(1);
    }
    return {};
  }

  std::string plain(const WireMessage& sample) const {
    std::string frames;
    const WireMessage& stack = stacks_.at(sample.number(1));
    for (const std::uint64_t index : stack.packed_varints(1)) {
      const WireMessage& location = locations_.at(index);
      const WireMessage& m = mappings_.at(location.number(1));
      const auto about_mapping = m.packed_varints(5);
      frames +=
          text("at", location.number(2), m.number(1), m.number(2), m.number(3), string(m.number(4)),
               attribute_value(about_mapping, "process.executable.build_id.gnu"));
      frames += text(attribute_value(about_mapping, "process.executable.build_id.htlhash"),
                     attribute_value(location.packed_varints(4), "profile.frame.type"));
      for (const WireMessage& line : location.messages(3)) {
        const WireMessage& f = functions_.at(line.number(1));
        frames +=
            text("line", string(f.number(1)), string(f.number(2)), string(f.number(3)),
                 as_signed(f.number(4)), as_signed(line.number(2)), as_signed(line.number(3)));
      }
    }
    std::vector<std::string> set;
    for (const std::uint64_t index : sample.packed_varints(2)) set.push_back(attribute(index));
    const WireMessage& link = links_.at(sample.number(3));
    std::string numbers;
    for (const std::uint64_t value : sample.packed_varints(4)) {
      numbers += text("value", as_signed(value));
    }
    for (const std::uint64_t time : sample.packed_fixed64(5)) numbers += text("time", time);
    return text(frames, join(set), hex(link.bytes(1)), hex(link.bytes(2)), numbers);
  }

  WireMessage request_, dictionary_;
  std::vector<WireMessage> mappings_, locations_, functions_, links_;
  std::vector<WireField> strings_;
  std::vector<WireMessage> attributes_, stacks_;
};

const WireMessage& by_id(const std::vector<WireMessage>& table, std::uint64_t id) {
  // The encoder numbers from 1 without gaps.
  const WireMessage& entry = table.at(id - 1);
  if (entry.number(1) != id) throw std::runtime_error("id out of order");
  return entry;
}

}  // namespace

PlainSamples otlp_samples_of_model(const Dictionary& d, const Profile& profile,
                                   std::uint32_t type) {
  PlainSamples samples;
  bool timestamps = static_cast<int>(type) == profile.counted_type && !profile.timestamps.empty();
  for (std::size_t i = 0; timestamps && i < profile.samples.size(); ++i) {
    const std::uint32_t count = profile.samples[i].timestamp_count;
    timestamps = count != 0 && profile.values[i * profile.sample_types.size() + type] == count;
  }
  for (std::size_t i = 0; i < profile.samples.size(); ++i) {
    const Sample& sample = profile.samples[i];
    std::string numbers;
    if (timestamps) {
      for (std::uint32_t t = 0; t < sample.timestamp_count; ++t) {
        numbers += text("time", profile.timestamps[sample.first_timestamp + t]);
      }
    } else {
      numbers = text("value", profile.values[i * profile.sample_types.size() + type]);
    }
    const encoder::Link& link = d.links()[sample.link];
    samples.push_back(text(model_stack(d, sample.stack, true),
                           model_otlp_attributes(d, sample.attributes),
                           sample.link != 0 ? hex(link.trace_id) : "",
                           sample.link != 0 ? hex(link.span_id) : "", numbers));
  }
  std::ranges::sort(samples);
  return samples;
}

PlainSamples otlp_samples_of_bytes(std::string_view request, std::string_view type) {
  return OtlpReader(request).samples(type);
}

PlainSamples pprof_samples_of_model(const Dictionary& d, const Profile& profile) {
  PlainSamples samples;
  const std::size_t types = profile.sample_types.size();
  for (std::size_t i = 0; i < profile.samples.size(); ++i) {
    std::string values;
    for (std::size_t type = 0; type < types; ++type) {
      const encoder::ValueType& name = profile.sample_types[type];
      values += text(d.string(name.type), d.string(name.unit), profile.values[i * types + type]);
    }
    samples.push_back(text(model_stack(d, profile.samples[i].stack, false), values,
                           model_pprof_labels(d, profile.samples[i])));
  }
  std::ranges::sort(samples);
  return samples;
}

PlainSamples pprof_samples_of_bytes(std::string_view file) {
  const WireMessage profile(file);
  const std::vector<WireMessage> types = profile.messages(1);
  const std::vector<WireMessage> mappings = profile.messages(3);
  const std::vector<WireMessage> locations = profile.messages(4);
  const std::vector<WireMessage> functions = profile.messages(5);
  const std::vector<WireField> strings = profile.all(6);
  const auto string = [&](std::uint64_t index) -> const std::string& {
    return strings.at(index).bytes;
  };
  PlainSamples samples;
  for (const WireMessage& sample : profile.messages(2)) {
    std::string frames;
    for (const std::uint64_t id : sample.packed_varints(1)) {
      const WireMessage& location = by_id(locations, id);
      const WireMessage none(std::string_view{});
      const WireMessage& m = location.has(2) ? by_id(mappings, location.number(2)) : none;
      frames += text("at", location.number(3), m.number(2), m.number(3), m.number(4),
                     string(m.number(5)), string(m.number(6)));
      for (const WireMessage& line : location.messages(4)) {
        const WireMessage& f = by_id(functions, line.number(1));
        frames +=
            text("line", string(f.number(2)), string(f.number(3)), string(f.number(4)),
                 as_signed(f.number(5)), as_signed(line.number(2)), as_signed(line.number(3)));
      }
    }
    std::string values;
    const std::vector<std::uint64_t> numbers = sample.packed_varints(2);
    for (std::size_t type = 0; type < types.size(); ++type) {
      values += text(string(types[type].number(1)), string(types[type].number(2)),
                     as_signed(numbers.at(type)));
    }
    std::vector<std::string> labels;
    for (const WireMessage& label : sample.messages(3)) {
      labels.push_back(label.has(2) ? text(string(label.number(1)), "s", string(label.number(2)),
                                           string(label.number(4)))
                                    : text(string(label.number(1)), "i", as_signed(label.number(3)),
                                           string(label.number(4))));
    }
    samples.push_back(text(frames, values, join(labels)));
  }
  std::ranges::sort(samples);
  return samples;
}

}  // namespace otprof::test
