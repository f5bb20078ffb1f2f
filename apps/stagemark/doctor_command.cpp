#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

#include "command_line.hpp"
#include "option_names.hpp"
#include "quantity.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/format/console_table.hpp"
#include "stagemark/format/display_text.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/session/engines.hpp"
#include "stagemark/session/this_machine.hpp"
#include "terminal.hpp"

namespace stagemark {
namespace {

std::string or_reason(const OrReason<std::string>& value) { return value ? *value : "not known: " + value.reason; }

std::string gibibytes(const OrReason<std::uint64_t>& bytes) {
  constexpr double gibibyte = 1ULL << 30U;
  return bytes ? decimal(static_cast<double>(*bytes) / gibibyte, 1) + " GB" : "not known";
}

/// What is there, good or bad.
void print_machine(std::ostream& out, const Environment& environment) {
  const CpuEnvironment& cpu = environment.cpu;
  ConsoleTable table({"machine", "what is there"});
  table.add({"processor", or_reason(cpu.model)});
  table.add({"CPUs", std::to_string(cpu.usable_cpus) + " of " + std::to_string(cpu.logical_cpus) + " usable" +
                         (cpu.usable_cores ? ", on " + std::to_string(*cpu.usable_cores) + " cores" : "") +
                         (cpu.usable_numa_nodes ? ", NUMA nodes " + std::to_string(*cpu.usable_numa_nodes) : "")});
  table.add({"governor", or_reason(cpu.governor)});
  if (cpu.frequency) {
    table.add({"clock", decimal(cpu.frequency->before_mhz, 0) + " MHz, says " + cpu.frequency->source});
  }
  table.add({"memory", gibibytes(environment.memory.available_bytes) + " of " +
                           gibibytes(environment.memory.total_bytes) +
                           " available; huge pages: " + or_reason(environment.memory.transparent_huge_pages)});
  table.add({"system", or_reason(environment.os.name) + " " + or_reason(environment.os.version) + ", kernel " +
                           or_reason(environment.os.kernel) + (environment.os.virtualised ? ", virtualised" : "")});
  for (const GpuEnvironment& gpu : environment.gpu) {
    table.add({"GPU " + std::to_string(gpu.index), gpu.model + ", driver " + or_reason(gpu.driver) + ", " +
                                                       gibibytes(gpu.memory_bytes) + ", " +
                                                       gibibytes(gpu.memory_used_bytes) + " in use"});
  }
  if (environment.compute_libraries) {
    const ComputeLibraries& libraries = *environment.compute_libraries;
    table.add({"BLAS", or_reason(libraries.blas) + (libraries.blas_file ? ": " + *libraries.blas_file : "")});
    for (const std::string& file : libraries.files) table.add({"loaded", file});
  }
  for (const auto& [engine, version] : environment.libraries) table.add({engine, version});
  if (environment.configuration) {
    for (const auto& [engine, facts] : *environment.configuration) {
      std::string text;
      for (const auto& [name, value] : facts) {
        text.append(text.empty() ? "" : "; ").append(name).append(" ").append(value);
      }
      table.add({"", text});
    }
  }
  table.print(out);
}

std::string coloured(Severity severity, bool colours) {
  std::string name(to_string(severity));
  if (!colours) return name;
  const char* const colour = severity == Severity::problem   ? "\x1b[1;31m"
                             : severity == Severity::warning ? "\x1b[1;33m"
                                                             : "\x1b[36m";
  return colour + name + "\x1b[0m";
}

void print_findings(std::ostream& out, const std::vector<Finding>& findings, bool colours) {
  const std::string indent = "  ";
  for (const Finding& finding : findings) {
    out << '\n' << coloured(finding.severity, colours) << ' ' << finding.id << '\n';
    for (const std::string& text : {finding.sentence, "-> " + with_option_names(finding.remedy)}) {
      for (const std::string& line : wrapped(printable(text), console_columns - indent.size())) {
        out << indent << line << '\n';
      }
    }
  }
}

std::size_t count(const std::vector<Finding>& findings, Severity severity) {
  return static_cast<std::size_t>(std::ranges::count(findings, severity, &Finding::severity));
}

void print_summary(std::ostream& out, const std::vector<Finding>& findings) {
  const std::size_t problems = count(findings, Severity::problem);
  const std::size_t warnings = count(findings, Severity::warning);
  if (problems + warnings == 0) {
    out << "\nNothing here spoils a measurement.\n";
    return;
  }
  out << '\n'
      << problems << (problems == 1 ? " problem, " : " problems, ") << warnings
      << (warnings == 1 ? " warning" : " warnings") << ": mend them before you believe a time.\n";
}

struct DoctorArguments {
  bool as_json = false;
  bool strict = false;
  std::size_t threads = 0;  // 0 until set from the machine
};

ExitCode examine(DoctorArguments& arguments) {
  if (arguments.threads == 0) arguments.threads = usable_cpus();
  const Environment environment = this_machine(built_in_engines(), arguments.threads);
  const std::vector<Finding>& findings = *environment.findings;
  if (arguments.as_json) {
    write_json(std::cout, environment);
  } else {
    print_machine(std::cout, environment);
    print_findings(std::cout, findings, shows_colours(STDOUT_FILENO));
    print_summary(std::cout, findings);
  }
  const bool clean = count(findings, Severity::information) == findings.size();
  return arguments.strict && !clean ? ExitCode::regression : ExitCode::success;
}

}  // namespace

Command add_doctor_command(CLI::App& app) {
  auto arguments = std::make_shared<DoctorArguments>();
  CLI::App* command =
      app.add_subcommand("doctor", "Inspects the machine: what would spoil a measurement, and how to mend it");
  command->footer(
      R"(Examples:
  stagemark doctor
  stagemark doctor --threads 4              as 'run --threads 4' would find it
  stagemark doctor --strict || exit         before measuring in a script

Exit codes: 0; with --strict 1 if there is a problem or a warning.)");
  command->add_flag("--json", arguments->as_json, "Print JSON: what reports have under 'environment'");
  command->add_flag("--strict", arguments->strict, "Exit with 1 if there is a problem or a warning");
  command->add_option("--threads", arguments->threads, "For the network (default: the processors it may use)")
      ->check(CLI::Range(1, 4096))
      ->type_name("T");
  return [arguments] { return examine(*arguments); };
}

}  // namespace stagemark
