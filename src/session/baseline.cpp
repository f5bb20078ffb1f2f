#include "stagemark/session/baseline.hpp"

#include <ostream>

#include "stagemark/core/atomic_file.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/session/run_benchmark.hpp"

namespace stagemark {

Report run_baseline_benchmark(const std::filesystem::path& images, const std::filesystem::path& checkpoint,
                              std::optional<std::size_t> samples, const std::filesystem::path& output) {
  const RunRequest request{
      .images = images, .models = {{"", checkpoint}}, .samples = samples, .isolation = Isolation::none};
  Report report = run_benchmark(request);
  write_file_atomically(output, [&](std::ostream& out) { write_json(out, report); });
  return report;
}

}  // namespace stagemark
