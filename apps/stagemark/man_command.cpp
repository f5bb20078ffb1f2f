#include <iostream>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>

#include "command_line.hpp"
#include "help_text.hpp"
#include "stagemark/report/tool.hpp"

namespace stagemark {
namespace {

/// Text as roff: its own signs as the characters they are, no line a request.
std::string roff(std::string_view text) {
  std::string result;
  bool starts_line = true;
  for (const char c : text) {
    if (starts_line && (c == '.' || c == '\'')) result += "\\&";
    starts_line = c == '\n';
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else if (c == '\'') {
      result += "\\(aq";
    } else {
      result += c;
    }
  }
  return result;
}

/// A footer: prose in paragraphs, and the indented lines as they stand.
void write_footer(std::ostream& out, const std::string& footer) {
  bool example = false;
  std::istringstream lines(footer);
  for (std::string line; std::getline(lines, line);) {
    const bool indented = line.starts_with("  ");
    if (indented != example) out << (indented ? ".PP\n.nf\n" : ".fi\n");
    example = indented;
    if (line.empty()) {
      out << ".PP\n";
    } else {
      out << roff(indented ? line.substr(2) : line) << '\n';
    }
  }
  if (example) out << ".fi\n";
}

void write_options(std::ostream& out, const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    if (option == command.get_help_ptr() || option->get_group().empty()) continue;
    out << ".TP\n\\fB" << roff(synopsis_of(*option)) << "\\fR\n" << roff(description_of(*option)) << '\n';
  }
}

void write_man_page(std::ostream& out, const CLI::App& app) {
  out << R"(.TH STAGEMARK 1 "" "stagemark )" << this_tool().version << "\" \"User Commands\"\n"
      << R"(.SH NAME
stagemark \- benchmarks image classifiers stage by stage
.SH SYNOPSIS
.B stagemark
\fICOMMAND\fR [\fIOPTION\fR...]
.SH DESCRIPTION
)" << roff(app.get_description())
      << '\n';
  const auto commands = app.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
  for (const CLI::App* command : commands) {
    out << ".SH \"stagemark " << roff(command->get_name()) << "\"\n" << roff(command->get_description()) << ".\n";
    write_options(out, *command);
    out << ".PP\n";
    write_footer(out, command->get_footer());
  }
  out << ".SH NOTES\n";
  write_footer(out, app.get_footer());
}

}  // namespace

Command add_man_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("man", "Writes the manual page");
  command->group("");  // For the build, which installs it.
  return [&app] {
    write_man_page(std::cout, app);
    return ExitCode::success;
  };
}

}  // namespace stagemark
