#pragma once

#include "stagemark/judgement/make_report.hpp"
#include "stagemark/report/report.hpp"

namespace stagemark {

struct LoadResult;

/// The report of a load test: what `make_report` makes of its inferences, none of which is timed there, and the part
/// `load`, with the ratios of capacities and verdicts on them (Holm's adjustment over the candidates).
[[nodiscard]] Report make_load_report(const LoadResult& result, const ReportContext& context = {});

}  // namespace stagemark
