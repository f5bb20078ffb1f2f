#include "stagemark/backend/runtime_configuration.hpp"

#include <algorithm>
#include <array>

namespace stagemark {
namespace {

struct Field {
  const char* name;
  std::optional<std::string> RuntimeConfiguration::*member;
};

constexpr std::array fields = {Field{"build_type", &RuntimeConfiguration::build_type},
                               Field{"cpu_capability", &RuntimeConfiguration::cpu_capability},
                               Field{"own_blas", &RuntimeConfiguration::own_blas}};

}  // namespace

std::vector<std::pair<std::string, std::string>> to_names(const RuntimeConfiguration& configuration) {
  std::vector<std::pair<std::string, std::string>> named;
  for (const Field& field : fields) {
    if (const auto& value = configuration.*field.member) named.emplace_back(field.name, *value);
  }
  named.insert(named.end(), configuration.more.begin(), configuration.more.end());
  return named;
}

RuntimeConfiguration from_names(const std::vector<std::pair<std::string, std::string>>& named) {
  RuntimeConfiguration configuration;
  for (const auto& [name, value] : named) {
    const auto* const field = std::ranges::find(fields, name, &Field::name);
    if (field != fields.end()) {
      configuration.*field->member = value;
    } else {
      configuration.more.emplace_back(name, value);
    }
  }
  return configuration;
}

}  // namespace stagemark
