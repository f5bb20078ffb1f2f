#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stagemark {

/// A JSON object on one line, for what the listing commands print with --json.
class JsonObject {
 public:
  JsonObject& text(std::string_view name, std::string_view value);
  JsonObject& number(std::string_view name, double value);
  JsonObject& boolean(std::string_view name, bool value);
  JsonObject& texts(std::string_view name, const std::vector<std::string>& values);
  JsonObject& object(std::string_view name, const JsonObject& value);

  [[nodiscard]] std::string str() const { return "{" + members_ + "}"; }

 private:
  void begin(std::string_view name);

  std::string members_;
};

}  // namespace stagemark
