// SPDX-License-Identifier: Apache-2.0
#include "agent/profile_comments.h"

#include <string>
#include <variant>

namespace otprof::agent {

void add_comments(encoder::Dictionary& dictionary, encoder::Profile& profile) {
  for (const encoder::Index index : dictionary.attribute_sets()[profile.attributes].attributes) {
    const encoder::Attribute& attribute = dictionary.attributes()[index];
    std::string comment(dictionary.string(attribute.key));
    comment += ": ";
    if (const auto* number = std::get_if<std::int64_t>(&attribute.value)) {
      comment += std::to_string(*number);
    } else {
      comment += dictionary.string(std::get<encoder::Index>(attribute.value));
    }
    if (attribute.unit != 0) {
      comment.append(" ").append(dictionary.string(attribute.unit));
    }
    profile.comments.push_back(dictionary.intern_string(comment));
  }
}

}  // namespace otprof::agent
