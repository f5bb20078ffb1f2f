#include "stagemark/session/baseline.hpp"

#include <chrono>
#include <memory>
#include <ostream>

#include "stagemark/backend/registry.hpp"
#include "stagemark/backends/libtorch.hpp"
#include "stagemark/core/atomic_file.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/images/images.hpp"
#include "stagemark/judgement/make_report.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/report/timestamp.hpp"
#include "stagemark/report/tool.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

namespace stagemark {

Report run_baseline_benchmark(const std::filesystem::path& images, const std::filesystem::path& checkpoint,
                              std::optional<std::size_t> samples, const std::filesystem::path& output) {
  BackendRegistry registry;
  libtorch::add_to(registry);
  BackendRequest request;
  request.approach = registry.resolve(parse_approach("libtorch-fp32"), std::nullopt);
  request.model = checkpoint;
  request.preprocessor = make_preprocessor();
  request.threads = usable_cpus();

  ReportContext context;
  context.tool = this_tool();
  context.timestamp = utc_timestamp();
  context.environment = capture_environment({nvidia_gpus(),
                                             {{"libtorch", registry.find("libtorch").version}},
                                             {{"network", request.threads}, {"preprocessing", 1}}});

  auto wrapper = registry.open(request);
  DatasetOptions selection;
  selection.samples = samples;
  BenchmarkSuite suite(read_dataset(images, selection), make_image_source());
  suite.add(request.approach, std::move(wrapper));
  Report report = make_report(suite.run(), context);
  write_file_atomically(output, [&](std::ostream& out) { write_json(out, report); });
  return report;
}

}  // namespace stagemark
