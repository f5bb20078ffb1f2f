// Any bytes as what a worker says: whole messages that write and read back the same, of which those that make sense
// become a report, or a BackendError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "load/load_messages.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/judgement/compare.hpp"
#include "stagemark/judgement/make_report.hpp"
#include "stagemark/load/load_point.hpp"
#include "stagemark/suite/benchmark_suite.hpp"
#include "suite/turn_messages.hpp"
#include "workers/frames.hpp"

namespace {

using namespace stagemark;
using namespace stagemark::worker_protocol;

template <class T>
void expect_same_again(const T& value, T decode(std::span<const std::byte>)) {
  const auto bytes = encode(value);
  if (encode(decode(bytes)) != bytes) std::abort();
}

void report_on(Measured measured, std::size_t images) {
  SuiteResult result;
  result.dataset.root = "images";
  for (std::size_t i = 0; i < images; ++i) result.dataset.entries.push_back({std::to_string(i) + ".png", i % 2});
  result.dataset.classes = {"NORMAL", "PNEUMONIA"};
  result.dataset.positive = 1;
  result.collector.add(ApproachResult(measured.result));
  result.collector.add(std::move(measured.result));
  result.collector.results()[1].approach.name = "other";
  Report report = make_report(result, {.environment = Environment{}});
  compare_approaches(report);
}

template <class Work>
void attempt(const Work& work) try {
  work();
} catch (const BackendError&) {
}

/// A log that makes sense can be summed up.
void load_of(const LogPart& part) {
  expect_same_again(part, decode_log_part);
  const ServingSettings serving{.instances = 2, .threads = 1, .max_batch = 4};
  expect_sense(part.queries, 1, 7, serving);
  const MeasuredLog measured{part.queries, Nanoseconds{0}, std::chrono::hours{24 * 366}};
  (void)summarise(std::span(&measured, 1), {.instances = 2});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  try {
    while (const auto message = take_message(bytes)) {
      switch (message->type) {
        case MessageType::ready:
          (void)decode_version(message->content);
          break;
        case MessageType::setup:
          // For either job.
          attempt([&] { expect_same_again(decode_setup(message->content), decode_setup); });
          expect_same_again(decode_load_setup(message->content), decode_load_setup);
          break;
        case MessageType::queries:
          load_of(decode_log_part(message->content));
          break;
        case MessageType::warm_up:
          break;
        case MessageType::turn:
          attempt([&] { expect_same_again(decode_turn(message->content), decode_turn); });
          expect_same_again(decode_load_order(message->content), decode_load_order);
          break;
        case MessageType::opened:
        case MessageType::measured: {
          constexpr std::size_t images = 4;
          Measured measured = decode_measured(message->content);
          expect_same_again(measured, decode_measured);
          expect_sense(measured, images);
          report_on(std::move(measured), images);
          break;
        }
      }
    }
  } catch (const BackendError&) {
    // bytes that are no such messages
  }
  return 0;
}
