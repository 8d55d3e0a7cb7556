// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a process context -> ProcessContext. They may be anything: nanopb checks every length
// against the message, recursion is bounded by the types named here, and what is kept is a copy.
#include <pb_decode.h>

#include <utility>

#include "agent/process_context.h"
#include "encoder/otlp.pb.h"

namespace otprof::agent {
namespace {

constexpr std::size_t kMostThreadKeys = 256;  // a key is one byte
constexpr std::string_view kThreadPrefix = "threadlocal.";

struct Value {
  std::string text;
  bool is_text = false;
  std::vector<std::string> items;  // the strings of an array, "" for what is none
};

struct KeyValue {
  std::string key;
  Value value;
};

template <auto Read, class Into>
pb_callback_t decode_into(Into& into) {
  pb_callback_t callback{};
  callback.arg = &into;
  callback.funcs.decode = [](pb_istream_t* stream, const pb_field_t* /*field*/, void** arg) {
    return Read(stream, *static_cast<Into*>(*arg));
  };
  return callback;
}

bool read_string(pb_istream_t* stream, std::string& text) {
  text.resize(stream->bytes_left);
  return pb_read(stream, reinterpret_cast<pb_byte_t*>(text.data()), text.size());
}

bool read_text(pb_istream_t* stream, Value& value) {
  value.is_text = true;
  return read_string(stream, value.text);
}

bool read_item(pb_istream_t* stream, std::vector<std::string>& items) {
  std::string text;
  otlp_AnyValue message{};
  message.string_value = decode_into<read_string>(text);
  if (!pb_decode(stream, otlp_AnyValue_fields, &message)) {
    return false;
  }
  if (items.size() < kMostThreadKeys) {
    items.push_back(std::move(text));
  }
  return true;
}

// Attributes of the resource go to `resource`, those about thread contexts to their own fields.
void keep(KeyValue& attribute, const otlp_AnyValue& message, bool in_resource,
          ProcessContext& context) {
  if (attribute.key == "threadlocal.attribute_key_map") {
    context.thread_keys = std::move(attribute.value.items);
  } else if (attribute.key == "threadlocal.schema_version") {
    context.thread_schema_version = std::move(attribute.value.text);
  } else if (!in_resource || attribute.key.empty() || attribute.key.starts_with(kThreadPrefix)) {
    return;
  } else if (attribute.value.is_text) {
    context.resource.push_back({std::move(attribute.key), std::move(attribute.value.text)});
  } else if (message.has_int_value) {
    context.resource.push_back({std::move(attribute.key), message.int_value});
  }
}

template <bool InResource>
bool read_attribute(pb_istream_t* stream, ProcessContext& context) {
  KeyValue attribute;
  otlp_KeyValue message{};
  message.key = decode_into<read_string>(attribute.key);
  message.value.string_value = decode_into<read_text>(attribute.value);
  message.value.array_value.values = decode_into<read_item>(attribute.value.items);
  if (!pb_decode(stream, otlp_KeyValue_fields, &message)) {
    return false;
  }
  keep(attribute, message.value, InResource, context);
  return true;
}

}  // namespace

std::optional<ProcessContext> parse_process_context(std::string_view bytes) {
  ProcessContext context;
  otlp_ProcessContext message{};
  message.resource.attributes = decode_into<read_attribute<true>>(context);
  message.attributes = decode_into<read_attribute<false>>(context);
  pb_istream_t stream =
      pb_istream_from_buffer(reinterpret_cast<const pb_byte_t*>(bytes.data()), bytes.size());
  if (!pb_decode(&stream, otlp_ProcessContext_fields, &message)) {
    return std::nullopt;
  }
  return context;
}

}  // namespace otprof::agent
