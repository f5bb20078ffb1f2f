#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exit_code.hpp"
#include "stagemark/judgement/gate.hpp"

namespace stagemark {

/// What a command judges: single calls, loads, or what it is given.
enum class GatedReports : std::uint8_t { runs, loads, either };

/// What is judged and where the result goes: the options of `check`, which commands that measure share as far as they
/// apply.
class GateArguments {
 public:
  static constexpr const char* help_group = "Gate, with --check";

  /// For `loads` there is no `--service-level`: the one that is measured is judged.
  /// \param needed an option without which these say nothing; may be null
  void add_to(CLI::App& command, GatedReports judged, CLI::Option* needed);

  /// \throws UsageError naming the option, also if nothing is left to judge
  [[nodiscard]] GateCriteria criteria() const;

  /// Reads the stored reports that `judge` needs: before an hour of measuring, not after it. \throws InputError
  void read_stored();

  /// Against a stored report?
  [[nodiscard]] bool stored() const { return baseline_.has_value(); }
  [[nodiscard]] const std::optional<std::string>& baseline_approach() const { return baseline_approach_; }

  /// Judges, prints, writes what was asked for. After `read_stored`. \throws InputError naming an option that was given
  /// and says nothing of such a report
  [[nodiscard]] ExitCode judge(const Report& report, const GateCriteria& asked_for) const;

 private:
  void add_latencies(CLI::App& command);
  void add_capacities(CLI::App& command);
  [[nodiscard]] GateCriteria applicable(GateCriteria criteria, const Report& report) const;

  GatedReports judged_ = GatedReports::either;
  std::vector<const CLI::Option*> only_of_runs_, only_of_loads_;
  const CLI::Option* given_capacity_drop_ = nullptr;
  const CLI::Option* given_accuracy_drop_ = nullptr;
  std::optional<std::string> baseline_;
  std::optional<std::string> baseline_approach_;
  std::string max_slowdown_ = "5%";
  std::vector<std::string> metrics_ = {"total:median"};
  std::string max_capacity_drop_ = "5%";
  std::optional<std::string> min_capacity_, service_level_;
  std::string max_accuracy_drop_ = "0.5pp";
  std::string estimand_ = "dataset";
  std::vector<std::string> max_drops_;
  std::optional<std::string> max_flips_;
  std::optional<std::string> calibration_;
  std::string inconclusive_ = "report";
  std::optional<std::string> junit_, markdown_, annotations_;
  std::optional<Report> stored_baseline_, stored_calibration_;
};

}  // namespace stagemark
