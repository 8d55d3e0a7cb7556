// SPDX-License-Identifier: Apache-2.0
#include "test/unit/tools/small_profile.h"

#include <algorithm>
#include <sstream>

namespace otprof::test {
namespace {

using encoder::Dictionary;
using encoder::Index;

encoder::ValueType value_type(Dictionary& dictionary, const std::string& text) {
  const std::size_t slash = text.find('/');
  return {.type = dictionary.intern_string(text.substr(0, slash)),
          .unit = dictionary.intern_string(text.substr(slash + 1))};
}

Index location(Dictionary& dictionary, const std::string& frame) {
  const std::size_t at = frame.find('@');
  const std::string module = at == std::string::npos ? "/bin/app" : frame.substr(at + 1);
  const encoder::Line line{.function = dictionary.intern_function(
                               {.name = dictionary.intern_string(frame.substr(0, at))}),
                           .line = 0,
                           .column = 0};
  const Index mapping = dictionary.intern_mapping({.memory_start = 0x1000,
                                                   .memory_limit = 0x2000,
                                                   .filename = dictionary.intern_string(module)});
  return dictionary.intern_location(
      {.mapping = mapping, .address = 0x1000 + line.function, .lines = {&line, 1}});
}

std::string describe_location(const Dictionary& dictionary, Index index) {
  const encoder::Location& location = dictionary.locations()[index];
  const encoder::Mapping& mapping = dictionary.mappings()[location.mapping];
  std::string text = std::to_string(location.address) + "@";
  text += dictionary.string(mapping.filename);
  text += dictionary.string(mapping.build_id_gnu);
  for (const encoder::Line& line : location.lines) {
    const encoder::Function& function = dictionary.functions()[line.function];
    text += " " + std::string(dictionary.string(function.name)) + ":" + std::to_string(line.line);
  }
  return text;
}

}  // namespace

encoder::Profile make_profile(Dictionary& dictionary, const SmallProfile& small) {
  encoder::Profile profile;
  for (const std::string& type : small.types) {
    profile.sample_types.push_back(value_type(dictionary, type));
  }
  profile.pprof_period_type = profile.otlp_period_type = value_type(dictionary, small.period_type);
  profile.period = small.period;
  profile.time_unix_nano = small.time;
  profile.duration_nano = small.duration;
  for (const SmallSample& sample : small.samples) {
    std::vector<Index> stack;
    std::istringstream frames(sample.stack);
    for (std::string frame; std::getline(frames, frame, ';');) {
      stack.insert(stack.begin(), location(dictionary, frame));
    }
    Index set = 0;
    if (!sample.thread.empty()) {
      const Index thread = dictionary.string_attribute("thread.name", sample.thread);
      set = dictionary.intern_attribute_set({&thread, 1});
    }
    profile.samples.push_back({.stack = dictionary.intern_stack(stack), .attributes = set});
    profile.values.insert(profile.values.end(), sample.values.begin(), sample.values.end());
  }
  return profile;
}

std::vector<std::string> describe(const Dictionary& dictionary, const encoder::Profile& profile) {
  std::vector<std::string> lines;
  const std::size_t types = profile.sample_types.size();
  for (std::size_t i = 0; i < profile.samples.size(); ++i) {
    const encoder::Sample& sample = profile.samples[i];
    std::string line;
    for (std::size_t type = 0; type < types; ++type) {
      line += std::to_string(profile.values[i * types + type]) + " ";
    }
    for (const Index index : dictionary.stacks()[sample.stack].locations) {
      line += "|" + describe_location(dictionary, index);
    }
    std::vector<std::string> labels;
    for (const Index index : dictionary.attribute_sets()[sample.attributes].attributes) {
      const encoder::Attribute& attribute = dictionary.attributes()[index];
      const Index* const text = std::get_if<Index>(&attribute.value);
      labels.push_back(std::string(dictionary.string(attribute.key)) + "=" +
                       (text != nullptr ? std::string(dictionary.string(*text))
                                        : std::to_string(std::get<std::int64_t>(attribute.value))));
    }
    std::ranges::sort(labels);
    for (const std::string& label : labels) line += " {" + label + "}";
    const encoder::Link& link = dictionary.links()[sample.link];
    for (const std::uint8_t byte : link.trace_id) line += std::to_string(byte) + ".";
    for (const std::uint8_t byte : link.span_id) line += std::to_string(byte) + ".";
    for (std::uint32_t t = 0; t < sample.timestamp_count; ++t) {
      line += " t" + std::to_string(profile.timestamps[sample.first_timestamp + t]);
    }
    lines.push_back(line);
  }
  std::ranges::sort(lines);
  return lines;
}

}  // namespace otprof::test
