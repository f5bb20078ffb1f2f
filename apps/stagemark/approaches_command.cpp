#include <iostream>
#include <map>
#include <memory>

#include "command_line.hpp"
#include "stagemark/format/console_table.hpp"
#include "stagemark/format/json_object.hpp"
#include "stagemark/session/engines.hpp"

namespace stagemark {
namespace {

struct Listed {
  Approach approach;
  std::optional<Unavailable> why_not;
};

std::vector<Listed> list_approaches(const BackendRegistry& registry) {
  std::vector<Listed> list;
  for (const Backend& backend : registry.backends()) {
    for (const Precision precision : backend.precisions) {
      for (const Device& device : backend.devices) {
        const Approach approach{{}, backend.engine, precision, device, {}};
        list.push_back({approach, backend.unavailable(approach)});
      }
    }
  }
  return list;
}

void print_json(const std::vector<Listed>& list) {
  std::cout << "[\n";
  for (const Listed& entry : list) {
    JsonObject object;
    object.text("approach", to_string(entry.approach)).boolean("available", !entry.why_not);
    if (entry.why_not) object.text("reason", entry.why_not->reason).text("remedy", entry.why_not->remedy);
    std::cout << "  " << object.str() << (&entry == &list.back() ? "\n" : ",\n");
  }
  std::cout << "]\n";
}

/// Many lack the same package: what to do about it stands once, below.
void print_table(const std::vector<Listed>& list) {
  ConsoleTable table({"approach", "available", "why not"});
  ConsoleTable notes({"note", "why not, and what to do"});
  std::map<std::string, std::string> numbers;
  for (const Listed& entry : list) {
    std::string note;
    if (entry.why_not) {
      const std::string text = entry.why_not->reason + "; " + entry.why_not->remedy;
      const auto [number, is_new] = numbers.emplace(text, std::to_string(numbers.size() + 1));
      if (is_new) notes.add({number->second, text});
      note = "note " + number->second;
    }
    table.add({to_string(entry.approach), entry.why_not ? "no" : "yes", note});
  }
  table.print(std::cout);
  if (numbers.empty()) return;
  std::cout << '\n';
  notes.print(std::cout);
}

}  // namespace

Command add_approaches_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("approaches", "Lists what can run here, and what to install for the rest");
  command->footer(R"(Examples:
  stagemark approaches
  stagemark approaches --json)");
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print JSON");
  return [as_json] {
    const std::vector<Listed> list = list_approaches(built_in_engines());
    if (*as_json) {
      print_json(list);
      return ExitCode::success;
    }
    print_table(list);
    return ExitCode::success;
  };
}

}  // namespace stagemark
