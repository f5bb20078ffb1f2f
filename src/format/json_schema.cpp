#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "describe.hpp"
#include "json_types.hpp"
#include "stagemark/format/json.hpp"

namespace stagemark {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json schema_of();

Json type_schema(std::string_view type) { return {{"type", type}}; }

Json array_schema(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }

/// The schema's values, or null. Only where null is allowed as the value of its own.
Json or_null(const Json& schema) { return {{"anyOf", Json::array({schema, type_schema("null")})}}; }

template <HasTextCodec T>
Json spelled_schema() {
  Json schema = type_schema("string");
  if constexpr (HasListedValues<T>) {
    for (const T& value : TextCodec<T>::all) schema["enum"].push_back(TextCodec<T>::text(value));
  } else {
    schema["pattern"] = TextCodec<T>::pattern;
  }
  return schema;
}

std::string description(std::string_view documentation, std::string_view unit) {
  std::string text(documentation);
  if (!unit.empty()) text.append(" [").append(unit).append("]");
  return text;
}

/// Where the field is null, its reason has to be there.
Json null_needs_reason(const std::string& name, const std::string& reason_name) {
  return {{"if", {{"properties", {{name, type_schema("null")}}}, {"required", {name}}}},
          {"then", {{"required", {reason_name}}}}};
}

std::string schema_version_pattern() {
  const std::string version(report_schema_version);
  return std::string("^").append(version, 0, version.find('.')).append("\\.[0-9]+$");
}

template <class R>
bool is_schema_version(const R& object, const void* member) {
  if constexpr (std::same_as<R, Report>) return member == &object.schema_version;
  return false;
}

template <HasMembers R>
Json object_schema() {
  Json schema = type_schema("object");
  Json properties = Json::object();
  Json required = Json::array();
  Json conditions = Json::array();
  // On the heap: GCC 12 takes parts of a large object on the stack for uninitialised.
  const auto example = std::make_unique<const R>();
  auto fields = [&]<class T>(std::string_view key, const T& member, const char* documentation, const char* unit) {
    const std::string name(key);
    Json property = schema_of<T>();
    property["description"] = description(documentation, unit);
    if (is_schema_version(*example, &member)) property["pattern"] = schema_version_pattern();
    properties[name] = std::move(property);
    if constexpr (!IsOmissible<T>) required.push_back(name);
    if constexpr (IsOrReason<T>) {
      const std::string reason_name = name + std::string(reason_suffix);
      properties[reason_name] = {
          {"type", "string"}, {"minLength", 1}, {"description", "Why " + name + " is null; absent where it is not"}};
      conditions.push_back(null_needs_reason(name, reason_name));
    }
  };
  describe(fields, *example);
  schema["properties"] = std::move(properties);
  schema["required"] = std::move(required);
  if (!conditions.empty()) schema["allOf"] = std::move(conditions);
  return schema;
}

template <class T>
Json schema_of() {
  if constexpr (IsOmissible<T>) {
    return schema_of<typename JsonShape<T>::Omissible>();
  } else if constexpr (IsOrReason<T>) {
    return or_null(schema_of<typename JsonShape<T>::ValueOrReason>());
  } else if constexpr (IsList<T>) {
    return array_schema(schema_of<typename JsonShape<T>::Element>());
  } else if constexpr (IsColumn<T>) {
    return array_schema(or_null(schema_of<typename JsonShape<T>::NullableElement>()));
  } else if constexpr (IsNumbers<T>) {
    Json schema = array_schema(type_schema("number"));
    schema["minItems"] = JsonShape<T>::numbers;
    schema["maxItems"] = JsonShape<T>::numbers;
    return schema;
  } else if constexpr (IsByName<T>) {
    return {{"type", "object"}, {"additionalProperties", schema_of<typename JsonShape<T>::ValueByName>()}};
  } else if constexpr (IsByStage<T>) {
    // Stages of a newer minor are allowed; their values have the same form.
    return {{"type", "object"}, {"additionalProperties", schema_of<typename JsonShape<T>::ValueByStage>()}};
  } else if constexpr (HasMembers<T>) {
    return object_schema<T>();
  } else if constexpr (HasTextCodec<T>) {
    return spelled_schema<T>();
  } else if constexpr (std::same_as<T, bool>) {
    return type_schema("boolean");
  } else if constexpr (std::unsigned_integral<T>) {
    return {{"type", "integer"}, {"minimum", 0}};
  } else if constexpr (std::integral<T>) {
    return type_schema("integer");
  } else if constexpr (std::same_as<T, double>) {
    return type_schema("number");
  } else {
    static_assert(std::same_as<T, std::string>, "this type has no place in the report");
    return type_schema("string");
  }
}

}  // namespace

void write_json_schema(std::ostream& out) {
  Json schema;
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "stagemark report";
  schema["description"] =
      "Newer minor versions add properties. A property that is null has a sibling NAME_reason that says why.";
  schema.update(schema_of<Report>());
  out << schema.dump(2) << '\n';
}

}  // namespace stagemark
