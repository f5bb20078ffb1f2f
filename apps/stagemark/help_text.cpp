#include "help_text.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace stagemark {
namespace {

constexpr std::size_t most_columns = 100;
constexpr std::size_t first_column = 30;

/// What a value looks like. CLI11 adds the C++ type and the range, which an error names when it matters.
std::string value_of(const CLI::Option& option) {
  std::string type = option.get_type_name();
  for (const char* added : {":UINT", ":INT", ":FLOAT", ":NONNEGATIVE"})
    type.erase(std::min(type.find(added), type.size()));
  if (type.rfind("TEXT:", 0) == 0) type.erase(0, 5);
  return type;
}

/// The text behind the name, wrapped between the words.
std::string two_columns(const std::string& name, const std::string& text) {
  std::string lines = "  " + name;
  std::size_t column = lines.size();
  const auto next_line = [&] {
    lines += '\n';
    lines.append(first_column, ' ');
    column = first_column;
  };
  if (column + 2 > first_column) {
    next_line();
  } else {
    lines.append(first_column - column, ' ');
    column = first_column;
  }
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (column > first_column && column + 1 + word.size() > most_columns) next_line();
    if (column > first_column) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += word.size();
  }
  return lines + '\n';
}

class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool /*is_positional*/) const override {
    return two_columns(synopsis_of(*option), description_of(*option));
  }
  std::string make_subcommand(const CLI::App* command) const override {
    return two_columns(command->get_name(), command->get_description());
  }
};

}  // namespace

std::string synopsis_of(const CLI::Option& option) {
  if (option.get_positional()) {
    return option.get_name() + (option.get_expected_max() > 1 ? "..." : "");
  }
  const bool takes_value = option.get_expected_max() > 0 && option.get_type_size() > 0;
  const std::string value = takes_value ? value_of(option) : "";
  return option.get_name(false, true) + (value.empty() ? "" : " " + value);
}

std::string description_of(const CLI::Option& option) {
  std::string fallback = option.get_default_str();
  if (fallback.starts_with('[') && fallback.ends_with(']')) fallback = fallback.substr(1, fallback.size() - 2);
  const char* required = option.get_required() && !option.get_positional() ? " (required)" : "";
  return option.get_description() + required + (fallback.empty() ? "" : " (default " + fallback + ")");
}

std::shared_ptr<CLI::Formatter> make_help_formatter() { return std::make_shared<HelpFormatter>(); }

}  // namespace stagemark
