// SPDX-License-Identifier: Apache-2.0
//
// The output is for people and for diff(1): one fact per line, in the order of the file, no
// dictionary indices, so that two files that say the same are printed the same.
#include <cinttypes>
#include <cstdio>

#include "tools/commands.h"
#include "tools/frames.h"
#include "tools/hex.h"
#include "tools/read_file.h"
#include "tools/text.h"

namespace otprof::tools {
namespace {

using encoder::Dictionary;
using encoder::Index;
using encoder::Profile;

class Dumper {
 public:
  explicit Dumper(const Dictionary& dictionary) : dictionary_(dictionary) {}

  void profile(const Profile& profile) const {
    std::printf("  time: %" PRIu64 " ns, duration: %" PRIu64 " ns\n", profile.time_unix_nano,
                profile.duration_nano);
    std::printf("  period: %" PRId64 " %s\n", profile.period,
                type(profile.otlp_period_type).c_str());
    for (std::size_t i = 0; i < profile.sample_types.size(); ++i) {
      std::printf("  sample type: %s%s\n", type(profile.sample_types[i]).c_str(),
                  profile.sample_types.size() > 1 && i == profile.default_type ? " (default)" : "");
    }
    for (const Index comment : profile.comments) {
      std::printf("  comment: %s\n", text(comment).c_str());
    }
    attributes("  ", profile.attributes);
    std::printf("  samples: %zu\n", profile.samples.size());
    const std::size_t types = profile.sample_types.size();
    for (std::size_t i = 0; i < profile.samples.size(); ++i) {
      sample(profile, profile.samples[i], &profile.values[i * types]);
    }
  }

  void literals(const char* indent, const std::vector<encoder::LiteralAttribute>& all) const {
    for (const encoder::LiteralAttribute& attribute : all) {
      const auto* number = std::get_if<std::int64_t>(&attribute.value);
      const std::string value = number != nullptr
                                    ? std::to_string(*number)
                                    : printable(std::get<std::string>(attribute.value));
      std::printf("%s%s = %s\n", indent, printable(attribute.key).c_str(), value.c_str());
    }
  }

 private:
  std::string text(Index index) const { return printable(dictionary_.string(index)); }

  std::string type(encoder::ValueType value) const {
    return text(value.type) + "/" + text(value.unit);
  }

  void attributes(const char* indent, Index set) const {
    for (const Index index : dictionary_.attribute_sets()[set].attributes) {
      const encoder::Attribute& attribute = dictionary_.attributes()[index];
      const Index* const string = std::get_if<Index>(&attribute.value);
      const std::string value = string != nullptr
                                    ? text(*string)
                                    : std::to_string(std::get<std::int64_t>(attribute.value));
      std::printf("%s%s = %s%s%s\n", indent, text(attribute.key).c_str(), value.c_str(),
                  attribute.unit != 0 ? " " : "", text(attribute.unit).c_str());
    }
  }

  void sample(const Profile& profile, const encoder::Sample& sample,
              const std::int64_t* values) const {
    std::printf("  sample:");
    for (std::size_t i = 0; i < profile.sample_types.size(); ++i) {
      std::printf(" %" PRId64, values[i]);
    }
    std::printf("\n");
    attributes("    ", sample.attributes);
    if (sample.link != 0) {
      const encoder::Link& link = dictionary_.links()[sample.link];
      std::printf("    trace %s span %s\n", to_hex(link.trace_id).c_str(),
                  to_hex(link.span_id).c_str());
    }
    if (sample.timestamp_count > 0) {
      std::printf("    at:");
      for (std::uint32_t i = 0; i < sample.timestamp_count; ++i) {
        std::printf(" %" PRIu64, profile.timestamps[sample.first_timestamp + i]);
      }
      std::printf("\n");
    }
    for (const Index index : dictionary_.stacks()[sample.stack].locations) location(index);
  }

  void location(Index index) const {
    const encoder::Location& location = dictionary_.locations()[index];
    const encoder::Mapping& mapping = dictionary_.mappings()[location.mapping];
    std::printf("    0x%" PRIx64, location.address);
    if (location.frame_type != 0) std::printf(" [%s]", text(location.frame_type).c_str());
    if (mapping.filename != 0) std::printf(" %s", text(mapping.filename).c_str());
    for (const encoder::Line& line : location.lines) {
      const encoder::Function& function = dictionary_.functions()[line.function];
      std::printf("\n      %s",
                  text(function.name != 0 ? function.name : function.system_name).c_str());
      if (function.filename != 0) {
        std::printf(" (%s:%" PRId64 ")", text(function.filename).c_str(), line.line);
      }
    }
    std::printf("\n");
  }

  const Dictionary& dictionary_;
};

void dump_mappings(const Dictionary& dictionary) {
  for (std::size_t i = 1; i < dictionary.mappings().size(); ++i) {
    const encoder::Mapping& mapping = dictionary.mappings()[i];
    std::printf("mapping: 0x%" PRIx64 "-0x%" PRIx64 " offset 0x%" PRIx64 " %s",
                mapping.memory_start, mapping.memory_limit, mapping.file_offset,
                printable(dictionary.string(mapping.filename)).c_str());
    if (mapping.build_id_gnu != 0) {
      std::printf(" gnu %s", printable(dictionary.string(mapping.build_id_gnu)).c_str());
    }
    if (mapping.build_id_htl != 0) {
      std::printf(" htl %s", printable(dictionary.string(mapping.build_id_htl)).c_str());
    }
    std::printf("\n");
  }
}

int run(const Arguments& arguments) {
  if (arguments.operands.empty()) throw UsageError("no file given");
  for (const std::string& path : arguments.operands) {
    const ProfileFile file = read_profile_file(path);
    const Dumper dumper(file.dictionary);
    std::printf("file: %s (%s)\n", path.c_str(), file.otlp ? "OTLP" : "pprof");
    dump_mappings(file.dictionary);
    if (!file.otlp) {
      std::printf("profile:\n");
      dumper.profile(file.pprof);
    }
    for (const OtlpProfile& profile : file.request.profiles) {
      const encoder::Scope& scope = file.request.scopes[profile.scope];
      std::printf("profile: id %s\n", to_hex(profile.profile.profile_id).c_str());
      dumper.literals("  resource ", file.request.resources[profile.resource].attributes);
      std::printf("  scope: %s %s\n", printable(scope.name).c_str(),
                  printable(scope.version).c_str());
      dumper.literals("  scope ", scope.attributes);
      dumper.profile(profile.profile);
    }
  }
  return 0;
}

}  // namespace

const Command kDumpCommand{
    .name = "dump",
    .operands = "FILE...",
    .summary = "Print all that pprof files and stored OTLP requests hold, as text.",
    .details = {},
    .options = {},
    .ends_at_operand = false,
    .run = run,
};

}  // namespace otprof::tools
