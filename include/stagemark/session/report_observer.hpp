#pragma once

#include <filesystem>

#include "stagemark/report/report.hpp"

namespace stagemark {

/// Told what becomes of a session, whatever it measures.
class ReportObserver {
 public:
  virtual ~ReportObserver() = default;
  /// Models are prepared, images listed, places to write made: measuring begins.
  virtual void beginning() {}
  /// The report is complete and not yet written: if writing fails, it has at least been seen.
  virtual void measured(const Report& /*report*/) {}
  virtual void written(const std::filesystem::path& /*json*/, const std::filesystem::path& /*html*/) {}
};

}  // namespace stagemark
