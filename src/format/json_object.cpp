#include "stagemark/format/json_object.hpp"

#include "format/json_text.hpp"

namespace stagemark {

void JsonObject::begin(std::string_view name) {
  if (!members_.empty()) members_ += ", ";
  append_json_text(members_, name);
  members_ += ": ";
}

JsonObject& JsonObject::text(std::string_view name, std::string_view value) {
  begin(name);
  append_json_text(members_, value);
  return *this;
}

JsonObject& JsonObject::number(std::string_view name, double value) {
  begin(name);
  append_json_number(members_, value);
  return *this;
}

JsonObject& JsonObject::boolean(std::string_view name, bool value) {
  begin(name);
  members_ += value ? "true" : "false";
  return *this;
}

JsonObject& JsonObject::texts(std::string_view name, const std::vector<std::string>& values) {
  begin(name);
  members_ += '[';
  for (const std::string& value : values) {
    if (&value != &values.front()) members_ += ", ";
    append_json_text(members_, value);
  }
  members_ += ']';
  return *this;
}

JsonObject& JsonObject::object(std::string_view name, const JsonObject& value) {
  begin(name);
  members_ += value.str();
  return *this;
}

}  // namespace stagemark
